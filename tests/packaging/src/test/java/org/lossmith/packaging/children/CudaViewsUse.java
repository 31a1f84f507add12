package org.lossmith.packaging.children;

import java.util.List;
import org.bytedeco.cuda.cudart.CUstream_st;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.FloatPointer;
import org.lossmith.Context;
import org.lossmith.DType;
import org.lossmith.Device;
import org.lossmith.Tensor;
import org.lossmith.cuda.CudaLibraries;
import org.lossmith.cuda.CudaViews;

/** Uses the views of lossmith-cuda without a driver and without natives of the presets. */
public final class CudaViewsUse {
  private CudaViewsUse() {}

  /**
   * Prints what comes of every view, and of {@link CudaLibraries#load}.
   *
   * @param arguments none
   */
  public static void main(String[] arguments) {
    try (Tensor tensor = Tensor.of(new float[] {1, 2, 3});
        BytePointer memory = CudaViews.pointer(tensor);
        FloatPointer floats = new FloatPointer(memory)) {
      System.out.println("pointer " + floats.get(2));
    }
    try (FloatPointer floats = new FloatPointer(4)) {
      attempt("tensor", () -> CudaViews.tensor(floats, Device.cuda(0), DType.F32, 4).close());
      attempt("long", () -> CudaViews.tensor(floats, Device.cuda(0), DType.F32, 5).close());
      attempt("cpu", () -> CudaViews.tensor(floats, Device.cpu(), DType.F32, 4).close());
    }
    attempt("context", () -> CudaViews.context(new CUstream_st(), Device.cuda(0)).close());
    try (Context context = Context.cpu()) {
      attempt("stream", () -> CudaViews.stream(context));
    }
    try {
      List<String> loaded = CudaLibraries.load();
      System.out.println("cublas " + loaded);
    } catch (UnsatisfiedLinkError e) {
      System.out.println("no cublas: " + e.getMessage());
    }
  }

  private static void attempt(String what, Runnable use) {
    try {
      use.run();
      System.out.println(what + " works");
    } catch (UnsupportedOperationException | IllegalArgumentException e) {
      System.out.println(what + " " + e);
    }
  }
}
