/** Views between Lossmith and the JavaCPP presets for CUDA. */
module org.lossmith.cuda {
  requires transitive org.lossmith;
  requires transitive org.bytedeco.cuda;

  exports org.lossmith.cuda;
}
