/** Fused native loss functions: loss and gradients in one call. */
module org.lossmith {
  requires org.bytedeco.javacpp;

  exports org.lossmith;
  exports org.lossmith.data;
  exports org.lossmith.quantization;

  // The loader of JavaCPP reads the annotations of the presets and initialises the bindings.
  opens org.lossmith.internal to
      org.bytedeco.javacpp;
  opens org.lossmith.presets to
      org.bytedeco.javacpp;
}
