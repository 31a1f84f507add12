/**
 * Lossmith with its natives, those with CUDA too: requiring this module, or naming it in {@code
 * --add-modules}, puts the jars with the native libraries into the module graph.
 */
module org.lossmith.platform.gpu {
  requires transitive org.lossmith.platform;
  requires org.lossmith.linux.x86_64.gpu;
}
