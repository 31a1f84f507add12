package org.lossmith;

import java.nio.ByteBuffer;
import java.nio.IntBuffer;
import java.nio.LongBuffer;

/** Elements of integer tensors as Java arrays, after the work queued on their device is done. */
final class Integers {
  private Integers() {}

  /** The elements of an integer tensor in C order. */
  static long[] of(Tensor tensor) {
    Checks.that(!tensor.dtype().isFloating(), "tensor", "integers", tensor);
    long[] values = new long[tensor.arrayLength()];
    read(
        tensor,
        (source, memory, start, count) -> get(source.dtype(), memory, values, start, count));
    return values;
  }

  /** The elements of a U8 or I8 tensor in C order. */
  static byte[] bytes(Tensor tensor) {
    Checks.that(
        tensor.dtype() == DType.U8 || tensor.dtype() == DType.I8, "tensor", "U8 or I8", tensor);
    byte[] values = new byte[tensor.arrayLength()];
    read(tensor, (source, memory, start, count) -> memory.get(values, start, count));
    return values;
  }

  /** Takes one chunk: {@code count} elements in memory, from number {@code start} on. */
  private interface Take {
    void run(Tensor source, ByteBuffer memory, int start, int count);
  }

  private static void read(Tensor tensor, Take take) {
    if (tensor.device().type() == Device.Type.CPU && tensor.isContiguous()) {
      Transfers.chunks(tensor, (memory, start, count) -> take.run(tensor, memory, start, count));
      return;
    }
    try (Tensor copy = Tensor.zeros(tensor.dtype(), tensor.shape())) {
      copy.copyFrom(tensor);
      Transfers.chunks(copy, (memory, start, count) -> take.run(copy, memory, start, count));
    }
  }

  private static void get(DType dtype, ByteBuffer memory, long[] values, int start, int count) {
    switch (dtype) {
      case I64 -> {
        LongBuffer longs = memory.asLongBuffer();
        longs.get(values, start, count);
      }
      case I32 -> {
        IntBuffer ints = memory.asIntBuffer();
        for (int i = 0; i < count; i++) {
          values[start + i] = ints.get(i);
        }
      }
      default -> {
        int mask = dtype == DType.U8 ? 0xFF : -1;
        for (int i = 0; i < count; i++) {
          values[start + i] = memory.get(i) & mask;
        }
      }
    }
  }
}
