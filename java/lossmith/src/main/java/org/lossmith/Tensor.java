package org.lossmith;

import java.lang.ref.Reference;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import org.bytedeco.javacpp.Pointer;
import org.lossmith.internal.LossmithNative;
import org.lossmith.internal.base.Handle;
import org.lossmith.internal.base.Library;
import org.lossmith.internal.base.Status;

/**
 * A dense array of numbers in native memory: memory of its own, or a view of memory that somebody
 * else owns.
 *
 * <p>Element (i, j, ...) lies {@code i * strides[0] + j * strides[1] + ...} elements after {@link
 * #address()}. A tensor of its own memory is in C order and 64-byte aligned; views may have any row
 * stride. Sizes are 64-bit, only methods with Java arrays and buffers have their limits.
 *
 * <p>Floating-point types are converted into each other, rounded to nearest even; NaN and
 * infinities are kept. Integer types are copied to the same type only, and read by {@link
 * #toLongArray}, {@link #toByteArray} or {@link #asByteBuffer}.
 *
 * <p>A tensor is closed by whoever made it; see {@link org.lossmith} for what closing means. The
 * methods that read or write elements are not ordered among threads: two threads that write the
 * same tensor must agree who goes first.
 *
 * <p>On a CUDA device those methods wait for all work queued on the device, and are done when they
 * return; {@link Context#copy} queues a copy instead. A tensor may be closed while queued work uses
 * it: its memory serves others only after that work.
 */
public final class Tensor implements AutoCloseable {
  private final Device device;
  private final DType dtype;
  private final long[] shape;
  private final long[] strides;
  private final long elements;
  private final long address;
  private final long nativeTensor;
  private final Handle handle;

  /** What must stay reachable as long as this tensor: a parent, the owner of foreign memory. */
  private final Object owner;

  private Tensor(
      long nativeTensor,
      Device device,
      DType dtype,
      long[] shape,
      long[] strides,
      Object owner,
      Handle parent) {
    this.device = device;
    this.dtype = dtype;
    this.shape = shape;
    this.strides = strides;
    this.owner = owner;
    this.nativeTensor = nativeTensor;
    elements = Shapes.elements(shape);
    address = LossmithNative.lsm_tensor_address(nativeTensor);
    handle =
        new Handle(
            "tensor " + dtype + Arrays.toString(shape),
            nativeTensor,
            () -> {
              Status.check(LossmithNative.lsm_tensor_destroy(nativeTensor));
              if (parent != null) {
                parent.release();
              }
            });
    handle.watch(this);
  }

  // ---- Making tensors

  /**
   * A tensor of zeros.
   *
   * @param device where
   * @param dtype element type
   * @param shape extents, each {@code >= 0}, at most 8; none: one element
   * @return a new tensor, to be closed by the caller
   * @throws IllegalArgumentException for a negative extent, more than 8, or a size beyond 63 bits
   * @throws OutOfMemoryError if the memory cannot be had
   * @throws NativeLoadException if the natives do not load
   */
  public static Tensor zeros(Device device, DType dtype, long... shape) {
    Checks.given("device", device);
    Checks.given("dtype", dtype);
    Checks.given("shape", shape);
    Library.load();
    long[] extents = shape.clone();
    long[] made = new long[1];
    Status.check(
        LossmithNative.lsm_tensor_create(
            device.type().code(),
            device.index(),
            dtype.code(),
            dtype.bits(),
            extents.length,
            extents,
            made));
    return new Tensor(made[0], device, dtype, extents, Shapes.strides(extents), null, null);
  }

  /**
   * A tensor of zeros in page-locked host memory, which every CUDA device copies from and to
   * without waiting ({@link Context#copy}). It lies on the CPU and can be used wherever such a
   * tensor can.
   *
   * @param device the CUDA device that locks the memory
   * @param dtype element type
   * @param shape extents, each {@code >= 0}, at most 8; none: one element
   * @return a new tensor, to be closed by the caller
   * @throws IllegalArgumentException as {@link #zeros(Device, DType, long...)}, or if the device is
   *     not a CUDA device
   * @throws UnsupportedOperationException if there are no CUDA devices; says why
   * @throws OutOfMemoryError if the memory cannot be had
   * @throws NativeLoadException if the natives do not load
   */
  public static Tensor pinned(Device device, DType dtype, long... shape) {
    Checks.given("device", device);
    Checks.that(device.type() == Device.Type.CUDA, "device", "a CUDA device", device);
    Checks.given("dtype", dtype);
    Checks.given("shape", shape);
    Library.load();
    long[] extents = shape.clone();
    long[] made = new long[1];
    Status.check(
        LossmithNative.lsm_tensor_create_pinned(
            device.index(), dtype.code(), dtype.bits(), extents.length, extents, made));
    return new Tensor(made[0], Device.cpu(), dtype, extents, Shapes.strides(extents), null, null);
  }

  /**
   * A tensor of zeros on the CPU; see {@link #zeros(Device, DType, long...)}.
   *
   * @param dtype element type
   * @param shape extents
   * @return a new tensor, to be closed by the caller
   */
  public static Tensor zeros(DType dtype, long... shape) {
    return zeros(Device.cpu(), dtype, shape);
  }

  /**
   * An F32 tensor on the CPU with a copy of the values.
   *
   * @param values elements in C order
   * @param shape extents; none: one dimension of {@code values.length}
   * @return a new tensor, to be closed by the caller
   * @throws IllegalArgumentException if the shape has not as many elements as there are values
   */
  public static Tensor of(float[] values, long... shape) {
    return of(DType.F32, values, shape);
  }

  /**
   * An F64 tensor on the CPU with a copy of the values.
   *
   * @param values elements in C order
   * @param shape extents; none: one dimension of {@code values.length}
   * @return a new tensor, to be closed by the caller
   * @throws IllegalArgumentException if the shape has not as many elements as there are values
   */
  public static Tensor of(double[] values, long... shape) {
    Checks.given("values", values);
    Tensor tensor = zeros(DType.F64, Shapes.forArray(values.length, shape));
    return Transfers.filled(tensor, t -> t.copyFrom(values));
  }

  /**
   * A U8 tensor on the CPU with a copy of the values, for masks and packed codes.
   *
   * @param values elements in C order
   * @param shape extents; none: one dimension of {@code values.length}
   * @return a new tensor, to be closed by the caller
   * @throws IllegalArgumentException if the shape has not as many elements as there are values
   */
  public static Tensor of(byte[] values, long... shape) {
    return of(DType.U8, values, shape);
  }

  /**
   * A tensor of bytes on the CPU with a copy of the values.
   *
   * @param dtype {@link DType#U8} or {@link DType#I8}
   * @param values elements in C order, as they are
   * @param shape extents; none: one dimension of {@code values.length}
   * @return a new tensor, to be closed by the caller
   * @throws IllegalArgumentException if the shape has not as many elements as there are values, or
   *     for another type
   */
  public static Tensor of(DType dtype, byte[] values, long... shape) {
    Checks.given("values", values);
    Checks.given("dtype", dtype);
    Checks.that(dtype == DType.U8 || dtype == DType.I8, "dtype", "U8 or I8", dtype);
    Tensor tensor = zeros(dtype, Shapes.forArray(values.length, shape));
    return Transfers.filled(tensor, t -> Transfers.put(t, values));
  }

  /**
   * An I32 tensor on the CPU with a copy of the values.
   *
   * @param values elements in C order
   * @param shape extents; none: one dimension of {@code values.length}
   * @return a new tensor, to be closed by the caller
   * @throws IllegalArgumentException if the shape has not as many elements as there are values
   */
  public static Tensor of(int[] values, long... shape) {
    Checks.given("values", values);
    Tensor tensor = zeros(DType.I32, Shapes.forArray(values.length, shape));
    return Transfers.filled(tensor, t -> Transfers.put(t, values));
  }

  /**
   * An I64 tensor on the CPU with a copy of the values.
   *
   * @param values elements in C order
   * @param shape extents; none: one dimension of {@code values.length}
   * @return a new tensor, to be closed by the caller
   * @throws IllegalArgumentException if the shape has not as many elements as there are values
   */
  public static Tensor of(long[] values, long... shape) {
    Checks.given("values", values);
    Tensor tensor = zeros(DType.I64, Shapes.forArray(values.length, shape));
    return Transfers.filled(tensor, t -> Transfers.put(t, values));
  }

  /**
   * A tensor on the CPU with the values converted to a floating-point type, rounded to nearest
   * even.
   *
   * @param dtype a floating-point type
   * @param values elements in C order
   * @param shape extents; none: one dimension of {@code values.length}
   * @return a new tensor, to be closed by the caller
   * @throws IllegalArgumentException if the shape has not as many elements as there are values, or
   *     the type is an integer type
   */
  public static Tensor of(DType dtype, float[] values, long... shape) {
    return of(Device.cpu(), dtype, values, shape);
  }

  /**
   * A tensor on any device with the values converted to a floating-point type, rounded to nearest
   * even.
   *
   * @param device where
   * @param dtype a floating-point type
   * @param values elements in C order
   * @param shape extents; none: one dimension of {@code values.length}
   * @return a new tensor, to be closed by the caller
   * @throws IllegalArgumentException if the shape has not as many elements as there are values, the
   *     type is an integer type, or there is no such device
   * @throws UnsupportedOperationException if there is no device of its type; says why
   */
  public static Tensor of(Device device, DType dtype, float[] values, long... shape) {
    Checks.given("values", values);
    Tensor tensor = zeros(device, dtype, Shapes.forArray(values.length, shape));
    return Transfers.filled(tensor, t -> t.copyFrom(values));
  }

  /**
   * A tensor over the memory of a direct buffer from its position on: nothing is copied, and the
   * buffer stays reachable as long as the tensor.
   *
   * @param buffer a direct, writable buffer in native byte order
   * @param dtype element type
   * @param shape extents; none: one dimension of what remains in the buffer
   * @return a new view, to be closed by the caller
   * @throws IllegalArgumentException if the buffer is on the heap, read-only, in the wrong byte
   *     order, or has too few bytes remaining
   */
  public static Tensor wrap(ByteBuffer buffer, DType dtype, long... shape) {
    Checks.given("buffer", buffer);
    Checks.given("dtype", dtype);
    Checks.given("shape", shape);
    Checks.that(buffer.isDirect(), "buffer", "a direct buffer", "one on the heap");
    Checks.that(!buffer.isReadOnly(), "buffer", "a writable buffer", "a read-only one");
    Checks.that(
        buffer.order() == ByteOrder.nativeOrder(),
        "buffer",
        "byte order " + ByteOrder.nativeOrder(),
        buffer.order());
    long[] extents =
        shape.length == 0 ? new long[] {buffer.remaining() / dtype.bytes()} : shape.clone();
    long bytes = Shapes.bytes(extents, dtype);
    Checks.that(
        bytes <= buffer.remaining(),
        "buffer",
        "at least " + bytes + " bytes for shape " + Arrays.toString(extents),
        buffer.remaining());
    Library.load();
    long start = new Pointer(buffer.slice()).address();
    return wrap(start, Device.cpu(), dtype, buffer, extents, Shapes.strides(extents));
  }

  /**
   * A tensor over foreign memory: nothing is copied. The memory must be valid until the tensor is
   * closed; {@code owner} is kept reachable until then.
   *
   * @param address address of the first element; 0 only for an empty tensor
   * @param device where the memory is
   * @param dtype element type
   * @param owner the object that owns the memory; null if something else keeps it valid
   * @param shape extents
   * @param strides distances in elements, one for each extent; null: C order
   * @return a new view, to be closed by the caller
   * @throws IllegalArgumentException if strides and shape differ in length, or an extent is
   *     negative
   */
  public static Tensor wrap(
      long address, Device device, DType dtype, Object owner, long[] shape, long[] strides) {
    Checks.given("device", device);
    Checks.given("dtype", dtype);
    Checks.given("shape", shape);
    Library.load();
    return view(address, device, dtype, shape.clone(), strides, owner, null);
  }

  private static Tensor view(
      long address,
      Device device,
      DType dtype,
      long[] shape,
      long[] strides,
      Object owner,
      Handle parent) {
    Checks.that(
        strides == null || strides.length == shape.length,
        "strides",
        shape.length + " of them",
        Arrays.toString(strides));
    long[] steps = strides == null ? Shapes.strides(shape) : strides.clone();
    long[] made = new long[1];
    Status.check(
        LossmithNative.lsm_tensor_wrap(
            address,
            device.type().code(),
            device.index(),
            dtype.code(),
            dtype.bits(),
            shape.length,
            shape,
            steps,
            made));
    return new Tensor(made[0], device, dtype, shape, steps, owner, parent);
  }

  // ---- Properties

  /**
   * The element type.
   *
   * @return a type
   */
  public DType dtype() {
    return dtype;
  }

  /**
   * Where the elements are.
   *
   * @return a device
   */
  public Device device() {
    return device;
  }

  /**
   * The extents.
   *
   * @return a new array, one extent for each dimension
   */
  public long[] shape() {
    return shape.clone();
  }

  /**
   * One extent.
   *
   * @param axis number of the dimension, from 0
   * @return the extent
   * @throws IllegalArgumentException if there is no such dimension
   */
  public long size(int axis) {
    // The message is made only where it is needed: hot calls ask for extents.
    if (axis < 0 || axis >= shape.length) {
      throw new IllegalArgumentException(
          "axis: expected 0 to " + (shape.length - 1) + ", got " + axis);
    }
    return shape[axis];
  }

  /**
   * The number of dimensions.
   *
   * @return 0 to 8
   */
  public int rank() {
    return shape.length;
  }

  /**
   * The number of elements: the product of the extents.
   *
   * @return a count
   */
  public long elements() {
    return elements;
  }

  /**
   * The bytes of all elements, without gaps between rows.
   *
   * @return {@code elements() * dtype().bytes()}
   */
  public long bytes() {
    return elements * dtype.bytes();
  }

  /**
   * The address of the first element. It is valid until this tensor is closed; keep the tensor
   * reachable as long as the address is in use ({@link Reference#reachabilityFence}).
   *
   * @return an address on the device
   * @throws IllegalStateException if this tensor is closed
   */
  public long address() {
    handle.acquire();
    handle.release();
    return address;
  }

  /**
   * Whether the elements lie in C order without gaps.
   *
   * @return true if so
   */
  public boolean isContiguous() {
    return Shapes.isContiguous(shape, strides);
  }

  /**
   * Whether this tensor was closed.
   *
   * @return true after {@link #close}
   */
  public boolean isClosed() {
    return handle.isClosed();
  }

  // ---- Views and conversions

  /**
   * A view of rows {@code from} (inclusive) to {@code to} (exclusive). Nothing is copied. The
   * memory stays valid until both this tensor and the view are closed, in any order.
   *
   * @param from first row
   * @param to row after the last
   * @return a new view, to be closed by the caller
   * @throws IllegalArgumentException unless {@code 0 <= from <= to <= size(0)}
   * @throws IllegalStateException if this tensor is closed
   */
  public Tensor rows(long from, long to) {
    Checks.that(shape.length > 0, "rows", "a tensor with rows", this);
    Checks.that(
        0 <= from && from <= to && to <= shape[0],
        "rows",
        "0 <= from <= to <= " + shape[0],
        from + " to " + to);
    long[] extents = shape.clone();
    extents[0] = to - from;
    handle.acquire(); // The view's use; it ends when the view is freed.
    try {
      long start = address + from * strides[0] * dtype.bytes();
      return view(start, device, dtype, extents, strides, this, handle);
    } catch (RuntimeException | Error e) {
      handle.release();
      throw e;
    }
  }

  /** A view of a piece, for transfers; only between {@link #acquire} and {@link #release}. */
  Tensor part(Piece piece) {
    long start = address;
    for (int axis = 0; axis < shape.length; axis++) {
      start += piece.index()[axis] * strides[axis] * dtype.bytes();
    }
    long[] steps = Arrays.copyOfRange(strides, piece.axis(), strides.length);
    return view(start, device, dtype, piece.extents(), steps, null, null);
  }

  /**
   * A copy on a device.
   *
   * @param device the device
   * @return a new tensor, to be closed by the caller, also if this one is already there
   * @throws IllegalArgumentException if there is no such device
   * @throws UnsupportedOperationException if there is no device of its type; says why
   */
  public Tensor to(Device device) {
    return Transfers.filled(zeros(device, dtype, shape), t -> t.copyFrom(this));
  }

  /**
   * A copy with the elements converted.
   *
   * @param dtype the element type
   * @return a new tensor, to be closed by the caller, also if this one has the type
   * @throws IllegalArgumentException to or from another integer type
   */
  public Tensor to(DType dtype) {
    return Transfers.filled(zeros(device, dtype, shape), t -> t.copyFrom(this));
  }

  // ---- Reading and writing elements

  /**
   * Overwrites this tensor with another of the same shape, converting the elements.
   *
   * @param source where the elements come from; any strides and device
   * @return this tensor
   * @throws IllegalArgumentException if the shapes differ, or an integer type is to be converted
   */
  public Tensor copyFrom(Tensor source) {
    Checks.given("source", source);
    Checks.that(
        Arrays.equals(shape, source.shape), "source", "shape " + Arrays.toString(shape), source);
    Transfers.copy(source, this);
    return this;
  }

  /**
   * Overwrites this tensor with the values, converted to its element type.
   *
   * @param values as many as there are elements, in C order
   * @return this tensor
   * @throws IllegalArgumentException if there are more or fewer, or this is an integer tensor
   */
  public Tensor copyFrom(float[] values) {
    Checks.given("values", values);
    checkCount("values", values.length);
    Transfers.put(this, values);
    return this;
  }

  /**
   * Overwrites this tensor with the values, converted to its element type.
   *
   * @param values as many as there are elements, in C order
   * @return this tensor
   * @throws IllegalArgumentException if there are more or fewer, or this is an integer tensor
   */
  public Tensor copyFrom(double[] values) {
    Checks.given("values", values);
    checkCount("values", values.length);
    Transfers.put(this, values);
    return this;
  }

  /**
   * Copies the elements to an array, converted to {@code float}.
   *
   * @param target as long as there are elements; filled in C order
   * @throws IllegalArgumentException if it is longer or shorter, or this is an integer tensor
   */
  public void copyTo(float[] target) {
    Checks.given("target", target);
    checkCount("target", target.length);
    Transfers.get(this, target);
  }

  /**
   * Copies the elements to an array, converted to {@code double}.
   *
   * @param target as long as there are elements; filled in C order
   * @throws IllegalArgumentException if it is longer or shorter, or this is an integer tensor
   */
  public void copyTo(double[] target) {
    Checks.given("target", target);
    checkCount("target", target.length);
    Transfers.get(this, target);
  }

  /**
   * The elements converted to {@code float}.
   *
   * @return a new array in C order
   * @throws IllegalArgumentException if this is an integer tensor
   * @throws UnsupportedOperationException if there are more elements than an array can have
   */
  public float[] toFloatArray() {
    float[] values = new float[arrayLength()];
    copyTo(values);
    return values;
  }

  /**
   * The elements converted to {@code double}.
   *
   * @return a new array in C order
   * @throws IllegalArgumentException if this is an integer tensor
   * @throws UnsupportedOperationException if there are more elements than an array can have
   */
  public double[] toDoubleArray() {
    double[] values = new double[arrayLength()];
    copyTo(values);
    return values;
  }

  /**
   * The elements of a tensor of bytes, signed or not, as they are.
   *
   * @return a new array in C order
   * @throws IllegalArgumentException unless this is a U8 or I8 tensor
   * @throws UnsupportedOperationException if there are more elements than an array can have
   */
  public byte[] toByteArray() {
    return Integers.bytes(this);
  }

  /**
   * The elements of an integer tensor.
   *
   * @return a new array in C order
   * @throws IllegalArgumentException if this is a floating-point tensor
   * @throws UnsupportedOperationException if there are more elements than an array can have
   */
  public long[] toLongArray() {
    return Integers.of(this);
  }

  /**
   * The memory of this tensor as a buffer in native byte order. The buffer must not be used after
   * this tensor was closed, nor outlive it: nothing checks that.
   *
   * @return a direct buffer over all elements
   * @throws UnsupportedOperationException unless the tensor is on the CPU, contiguous, and smaller
   *     than 2 GiB
   */
  public ByteBuffer asByteBuffer() {
    if (device.type() != Device.Type.CPU || !isContiguous() || bytes() > Integer.MAX_VALUE) {
      throw new UnsupportedOperationException(
          "buffer: expected a contiguous tensor of less than 2 GiB on the CPU, got " + this);
    }
    return Transfers.buffer(address(), bytes());
  }

  /**
   * The only element of a tensor of one element, after the work queued on its device is done.
   *
   * @return its value
   * @throws IllegalArgumentException if there are more or fewer elements
   */
  public double item() {
    return Transfers.item(this);
  }

  /** Frees the memory of this tensor, when the calls and views that use it have ended. */
  @Override
  public void close() {
    handle.close();
  }

  /** Returns element type, shape and device, for example {@code Tensor[F32 [2, 3] cpu]}. */
  @Override
  public String toString() {
    return "Tensor[" + dtype + " " + Arrays.toString(shape) + " " + device + "]";
  }

  private void checkCount(String name, int length) {
    Checks.that(
        length == elements,
        name,
        elements + " elements for shape " + Arrays.toString(shape),
        length);
  }

  /** The number of elements, if an array can have so many. */
  int arrayLength() {
    if (elements > Integer.MAX_VALUE - 8) {
      throw new UnsupportedOperationException(
          "array: expected at most " + (Integer.MAX_VALUE - 8) + " elements, got " + elements);
    }
    return (int) elements;
  }

  /** Begins a use and returns the native tensor. */
  long acquire() {
    return handle.acquire();
  }

  /** The native tensor; only between {@link #acquire} and {@link #release}. */
  long nativeTensor() {
    return nativeTensor;
  }

  /** Ends a use. */
  void release() {
    handle.release();
    Reference.reachabilityFence(owner);
    Reference.reachabilityFence(this);
  }
}
