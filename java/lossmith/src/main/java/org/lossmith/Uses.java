package org.lossmith;

/** Uses of several tensors at once; null entries stand for tensors that are not given. */
final class Uses {
  private Uses() {}

  /** Begins a use of all tensors, or of none if one is closed. */
  static void acquire(Tensor[] tensors) {
    int held = 0;
    try {
      for (; held < tensors.length; held++) {
        if (tensors[held] != null) {
          tensors[held].acquire();
        }
      }
    } catch (IllegalStateException e) {
      release(tensors, held);
      throw e;
    }
  }

  /** Ends what {@link #acquire} began. */
  static void release(Tensor[] tensors) {
    release(tensors, tensors.length);
  }

  /** Begins a use of a tensor that may not be given. */
  static void acquire(Tensor tensor) {
    if (tensor != null) {
      tensor.acquire();
    }
  }

  /** Ends what {@link #acquire(Tensor)} began. */
  static void release(Tensor tensor) {
    if (tensor != null) {
      tensor.release();
    }
  }

  /** The native tensor, 0 for one that is not given. */
  static long address(Tensor tensor) {
    return tensor == null ? 0 : tensor.nativeTensor();
  }

  private static void release(Tensor[] tensors, int count) {
    for (int i = 0; i < count; i++) {
      if (tensors[i] != null) {
        tensors[i].release();
      }
    }
  }
}
