package org.lossmith.packaging.children;

import org.lossmith.Context;
import org.lossmith.DType;
import org.lossmith.Device;
import org.lossmith.Lossmith;
import org.lossmith.Tensor;

/** Asks for CUDA devices, and uses one where there may be none. */
public final class CudaUse {
  private CudaUse() {}

  /**
   * Prints the number of devices, the description, a loss on the CPU, and what comes of contexts,
   * tensors and page-locked memory of the first device.
   *
   * @param arguments none
   */
  public static void main(String[] arguments) {
    System.out.println("devices " + Device.cudaDevices().size());
    System.out.println(Lossmith.describe());
    SmallLoss.main(arguments);
    attempt(() -> Context.of(Device.cuda(0)).close());
    attempt(() -> Tensor.zeros(Device.cuda(0), DType.F32, 2).close());
    attempt(() -> Tensor.pinned(Device.cuda(0), DType.F32, 2).close());
    attempt(() -> Device.cuda(0).info());
  }

  private static void attempt(Runnable use) {
    try {
      use.run();
      System.out.println("works");
    } catch (UnsupportedOperationException e) {
      System.out.println("unsupported: " + e.getMessage());
    }
  }
}
