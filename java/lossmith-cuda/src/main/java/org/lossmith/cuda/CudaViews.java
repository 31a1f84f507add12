package org.lossmith.cuda;

import java.util.Arrays;
import org.bytedeco.cuda.cudart.CUstream_st;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.Pointer;
import org.lossmith.Context;
import org.lossmith.DType;
import org.lossmith.Device;
import org.lossmith.Tensor;

/**
 * Device memory and streams of the CUDA presets as tensors and contexts, and the other way round.
 * Nothing is copied and nothing changes hands: whoever allocated memory or made a stream frees it,
 * after the view was closed and the work queued on it has ended.
 */
public final class CudaViews {
  private CudaViews() {}

  /**
   * A tensor over device memory, from the position of the pointer on, in C order.
   *
   * @param memory memory of the device, such as {@code cudaMalloc} gives; kept reachable as long as
   *     the tensor
   * @param device the CUDA device that the memory belongs to
   * @param dtype element type; the type of the pointer does not matter
   * @param shape extents; none: one element
   * @return a new view, to be closed by the caller
   * @throws IllegalArgumentException if the pointer is null, the device is not a CUDA device, or
   *     the pointer has a limit and the tensor ends beyond it
   * @throws UnsupportedOperationException if Lossmith found no CUDA devices; says why
   */
  public static Tensor tensor(Pointer memory, Device device, DType dtype, long... shape) {
    return tensor(memory, device, dtype, shape, null);
  }

  /**
   * A tensor over device memory with any strides.
   *
   * @param memory memory of the device; kept reachable as long as the tensor
   * @param device the CUDA device that the memory belongs to
   * @param dtype element type; the type of the pointer does not matter
   * @param shape extents
   * @param strides distances in elements, one for each extent; null: C order
   * @return a new view, to be closed by the caller
   * @throws IllegalArgumentException if the pointer is null, the device is not a CUDA device,
   *     strides and shape differ in length, or the pointer has a limit and the tensor ends beyond
   *     it
   * @throws UnsupportedOperationException if Lossmith found no CUDA devices; says why
   */
  public static Tensor tensor(
      Pointer memory, Device device, DType dtype, long[] shape, long[] strides) {
    require(memory != null, "memory", "a pointer", "null");
    require(dtype != null, "dtype", "a value", "null");
    require(shape != null, "shape", "a value", "null");
    requireCuda(device);
    long width = memory.sizeof();
    if (memory.limit() > 0) {
      long there = (memory.limit() - memory.position()) * width;
      long needed = span(shape, strides) * dtype.bytes();
      require(
          needed <= there,
          "memory",
          "at least " + needed + " bytes for shape " + Arrays.toString(shape),
          there + " bytes");
    }
    long address = memory.address() + memory.position() * width;
    return Tensor.wrap(address, device, dtype, memory, shape, strides);
  }

  /**
   * A context that queues its work on a stream of the presets, with the default budget.
   *
   * @param stream a stream of the device, which must outlive the context; null: the default stream
   * @param device the CUDA device that the stream belongs to
   * @return a new context, to be closed by the caller
   * @throws IllegalArgumentException if the device is not a CUDA device or does not exist
   * @throws UnsupportedOperationException if Lossmith found no CUDA devices; says why
   */
  public static Context context(CUstream_st stream, Device device) {
    return contextBuilder(stream, device).build();
  }

  /**
   * The same, with the rest of the context still to be described.
   *
   * @param stream a stream of the device, which must outlive the context; null: the default stream
   * @param device the CUDA device that the stream belongs to
   * @return a new builder
   * @throws IllegalArgumentException if the device is not a CUDA device
   */
  public static Context.Builder contextBuilder(CUstream_st stream, Device device) {
    requireCuda(device);
    return Context.builder().device(device).stream(stream == null ? 0 : stream.address());
  }

  /**
   * The memory of a tensor for functions of the presets. The pointer owns nothing: it is valid
   * until the tensor is closed, and keeps it reachable. Another pointer type over the same memory
   * is made with its constructor, for example {@code new FloatPointer(pointer(tensor))}; it takes
   * over the limit in bytes, and the caller keeps the tensor reachable.
   *
   * @param tensor a contiguous tensor on any device
   * @return a pointer to its first element; position 0, the limit is the end of the tensor
   * @throws IllegalArgumentException if the tensor is null or not contiguous
   * @throws IllegalStateException if the tensor is closed
   */
  public static BytePointer pointer(Tensor tensor) {
    require(tensor != null, "tensor", "a value", "null");
    require(tensor.isContiguous(), "tensor", "a contiguous one", tensor.toString());
    return new TensorMemory(tensor);
  }

  /**
   * The stream that a context queues its work on, for functions of the presets; valid until the
   * context is closed.
   *
   * @param context a context on a CUDA device
   * @return its stream; a null pointer stands for the default stream
   * @throws IllegalArgumentException if the context is null or not on a CUDA device
   * @throws IllegalStateException if the context is closed
   */
  public static CUstream_st stream(Context context) {
    require(context != null, "context", "a value", "null");
    requireCuda(context.device());
    return new CUstream_st(new Address(context.stream()));
  }

  /** Elements from the first of a tensor to the end of its last; 0 if it has none. */
  private static long span(long[] shape, long[] strides) {
    long last = 0;
    long step = 1;
    for (int axis = shape.length - 1; axis >= 0; axis--) {
      if (shape[axis] <= 0) {
        return 0;
      }
      boolean given = strides != null && axis < strides.length;
      last = Math.addExact(last, Math.multiplyExact(shape[axis] - 1, given ? strides[axis] : step));
      step = Math.multiplyExact(step, shape[axis]);
    }
    return last + 1;
  }

  private static void requireCuda(Device device) {
    boolean cuda = device != null && device.type() == Device.Type.CUDA;
    require(cuda, "device", "a CUDA device", String.valueOf(device));
  }

  private static void require(boolean holds, String name, String expected, String got) {
    if (!holds) {
      throw new IllegalArgumentException(name + ": expected " + expected + ", got " + got);
    }
  }

  /** An address as the presets see it; owns nothing. */
  private static final class Address extends Pointer {
    Address(long address) {
      super((Pointer) null);
      this.address = address;
    }
  }

  /** The memory of a tensor, which stays reachable; owns nothing. */
  private static final class TensorMemory extends BytePointer {
    private final transient Tensor tensor;

    TensorMemory(Tensor tensor) {
      super((Pointer) null);
      this.tensor = tensor;
      address = tensor.address();
      capacity(tensor.bytes());
    }

    @Override
    public String toString() {
      return "memory of " + tensor;
    }
  }
}
