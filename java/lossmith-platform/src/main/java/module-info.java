/**
 * Lossmith with its natives: requiring this module, or naming it in {@code --add-modules}, puts the
 * jars with the native libraries into the module graph, where nothing else would.
 */
module org.lossmith.platform {
  requires transitive org.lossmith;
  requires org.lossmith.linux.x86_64;
  requires org.bytedeco.javacpp.linux.x86_64;
  requires org.bytedeco.dnnl.linux.x86_64;
}
