package org.lossmith;

import java.nio.ByteBuffer;
import java.nio.IntBuffer;
import java.nio.LongBuffer;

/** Elements of integer tensors as Java arrays, after the work queued on their device is done. */
final class Integers {
  private Integers() {}

  /** The elements of an I32 or I64 tensor in C order. */
  static long[] of(Tensor tensor) {
    if (tensor.device().type() != Device.Type.CPU || !tensor.isContiguous()) {
      try (Tensor copy = Tensor.zeros(tensor.dtype(), tensor.shape())) {
        return read(copy.copyFrom(tensor));
      }
    }
    return read(tensor);
  }

  private static long[] read(Tensor tensor) {
    Checks.that(
        tensor.dtype() == DType.I32 || tensor.dtype() == DType.I64, "tensor", "I32 or I64", tensor);
    tensor.acquire();
    try {
      if (tensor.elements() > Integer.MAX_VALUE - 8) {
        throw new UnsupportedOperationException(
            "array: expected at most "
                + (Integer.MAX_VALUE - 8)
                + " elements, got "
                + tensor.elements());
      }
      long[] values = new long[(int) tensor.elements()];
      Transfers.chunks(tensor, (memory, start, count) -> get(tensor, memory, values, start, count));
      return values;
    } finally {
      tensor.release();
    }
  }

  private static void get(Tensor tensor, ByteBuffer memory, long[] values, int start, int count) {
    if (tensor.dtype() == DType.I64) {
      LongBuffer longs = memory.asLongBuffer();
      longs.get(values, start, count);
      return;
    }
    IntBuffer ints = memory.asIntBuffer();
    for (int i = 0; i < count; i++) {
      values[start + i] = ints.get(i);
    }
  }
}
