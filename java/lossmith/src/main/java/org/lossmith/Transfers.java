package org.lossmith;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.function.Consumer;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.Pointer;

/**
 * Copies between tensors, and between tensors and Java arrays. All are done when they return, and
 * see what was queued on CUDA devices before.
 *
 * <p>Arrays are copied through direct buffers, which end at 2 GiB: hence the chunks. A tensor on
 * the CPU that does not hold the array's element type in one piece is reached through one that
 * does.
 */
final class Transfers {
  /** Bytes of one chunk. */
  private static final int CHUNK = 1 << 30;

  private Transfers() {}

  /** Moves one chunk: array elements from {@code start} on, {@code count} of them. */
  interface Move {
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
    boolean fromHost = source.device().type() == Device.Type.CPU;
    if (!toHost && !fromHost && !source.device().equals(target.device())) {
      source.acquire();
      try {
        target.acquire();
        try {
          Staging.of(source.device()).pass(source, target);
        } finally {
          target.release();
        }
      } finally {
        source.release();
      }
      return;
    }
    Device device = toHost ? source.device() : target.device();
    Context context = Context.shared(device);
    device.await();
    context.copy(source, target);
    context.synchronize();
  }

  static double item(Tensor tensor) {
    tensor.device().await();
    return Context.shared(tensor.device()).item(tensor);
  }

  static void put(Tensor tensor, byte[] values) {
    write(tensor, tensor.dtype(), (memory, start, count) -> memory.put(values, start, count));
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
    if (tensor.device().type() != Device.Type.CPU) {
      tensor.acquire();
      try {
        Staging.of(tensor.device()).write(tensor, dtype, move);
      } finally {
        tensor.release();
      }
      return;
    }
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
    if (tensor.device().type() != Device.Type.CPU) {
      tensor.acquire();
      try {
        Staging.of(tensor.device()).read(tensor, dtype, move);
      } finally {
        tensor.release();
      }
      return;
    }
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

  static void chunks(Tensor tensor, Move move) {
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
