package org.lossmith;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.function.Consumer;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.Pointer;
import org.lossmith.internal.LossmithNative;
import org.lossmith.internal.base.Status;

/**
 * Copies between tensors, and between tensors and Java arrays.
 *
 * <p>Arrays are copied through direct buffers, which end at 2 GiB: hence the chunks. A tensor that
 * does not hold the array's element type in one piece on the CPU is reached through one that does.
 */
final class Transfers {
  /** Bytes of one chunk. */
  private static final int CHUNK = 1 << 30;

  private Transfers() {}

  /** Moves one chunk: array elements from {@code start} on, {@code count} of them. */
  private interface Move {
    void run(ByteBuffer memory, int start, int count);
  }

  /** Returns the tensor after filling it, or closes it if that fails. */
  static Tensor filled(Tensor tensor, Consumer<Tensor> fill) {
    try {
      fill.accept(tensor);
      return tensor;
    } catch (RuntimeException | Error e) {
      tensor.close();
      throw e;
    }
  }

  static void copy(Tensor source, Tensor target) {
    boolean toHost = target.device().type() == Device.Type.CPU;
    Context context = Context.shared(toHost ? source.device() : target.device());
    long from = source.acquire();
    try {
      long to = target.acquire();
      try {
        long ctx = context.begin();
        try {
          Status.check(LossmithNative.lsm_tensor_copy(ctx, from, to));
        } finally {
          context.end();
        }
      } finally {
        target.release();
      }
    } finally {
      source.release();
    }
  }

  static double item(Tensor tensor) {
    double[] value = new double[1];
    Context context = Context.shared(tensor.device());
    long address = tensor.acquire();
    try {
      long ctx = context.begin();
      try {
        Status.check(LossmithNative.lsm_tensor_item(ctx, address, value));
      } finally {
        context.end();
      }
    } finally {
      tensor.release();
    }
    return value[0];
  }

  static void put(Tensor tensor, byte[] values) {
    write(tensor, DType.U8, (memory, start, count) -> memory.put(values, start, count));
  }

  static void put(Tensor tensor, int[] values) {
    write(
        tensor,
        DType.I32,
        (memory, start, count) -> memory.asIntBuffer().put(values, start, count));
  }

  static void put(Tensor tensor, long[] values) {
    write(
        tensor,
        DType.I64,
        (memory, start, count) -> memory.asLongBuffer().put(values, start, count));
  }

  static void put(Tensor tensor, float[] values) {
    write(
        tensor,
        DType.F32,
        (memory, start, count) -> memory.asFloatBuffer().put(values, start, count));
  }

  static void put(Tensor tensor, double[] values) {
    write(
        tensor,
        DType.F64,
        (memory, start, count) -> memory.asDoubleBuffer().put(values, start, count));
  }

  static void get(Tensor tensor, float[] target) {
    read(
        tensor,
        DType.F32,
        (memory, start, count) -> memory.asFloatBuffer().get(target, start, count));
  }

  static void get(Tensor tensor, double[] target) {
    read(
        tensor,
        DType.F64,
        (memory, start, count) -> memory.asDoubleBuffer().get(target, start, count));
  }

  private static void write(Tensor tensor, DType dtype, Move move) {
    if (isPlain(tensor, dtype)) {
      chunks(tensor, move);
      return;
    }
    checkConvertible(tensor, dtype);
    try (Tensor stage = Tensor.zeros(dtype, tensor.shape())) {
      chunks(stage, move);
      copy(stage, tensor);
    }
  }

  private static void read(Tensor tensor, DType dtype, Move move) {
    if (isPlain(tensor, dtype)) {
      chunks(tensor, move);
      return;
    }
    checkConvertible(tensor, dtype);
    try (Tensor stage = Tensor.zeros(dtype, tensor.shape())) {
      copy(tensor, stage);
      chunks(stage, move);
    }
  }

  private static void checkConvertible(Tensor tensor, DType dtype) {
    Checks.that(
        tensor.dtype() == dtype || tensor.dtype().isFloating(),
        "dtype",
        "a floating-point tensor for floating-point values",
        tensor);
  }

  private static boolean isPlain(Tensor tensor, DType dtype) {
    return tensor.dtype() == dtype
        && tensor.device().type() == Device.Type.CPU
        && tensor.isContiguous();
  }

  private static void chunks(Tensor tensor, Move move) {
    int width = tensor.dtype().bytes();
    long step = CHUNK / width;
    tensor.acquire();
    try {
      long address = tensor.address();
      for (long start = 0; start < tensor.elements(); start += step) {
        long count = Math.min(step, tensor.elements() - start);
        move.run(buffer(address + start * width, count * width), (int) start, (int) count);
      }
    } finally {
      tensor.release();
    }
  }

  /** A buffer over native memory of at most 2 GiB. */
  static ByteBuffer buffer(long address, long bytes) {
    if (bytes == 0) {
      return ByteBuffer.allocateDirect(0).order(ByteOrder.nativeOrder());
    }
    return new Memory(address, bytes).asByteBuffer();
  }

  /** Foreign memory as JavaCPP sees it; owns nothing. */
  private static final class Memory extends BytePointer {
    Memory(long address, long bytes) {
      super((Pointer) null);
      this.address = address;
      capacity(bytes);
    }
  }
}
