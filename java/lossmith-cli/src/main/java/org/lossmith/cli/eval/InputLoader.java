package org.lossmith.cli.eval;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Locale;
import java.util.Set;
import org.lossmith.DType;
import org.lossmith.Device;
import org.lossmith.Tensor;
import org.lossmith.cli.FailureException;
import org.lossmith.cli.UsageException;
import org.lossmith.cli.npy.NpyFiles;
import org.lossmith.cli.npy.NpzFiles;

/** Reads the files of an evaluation into tensors of the types that the operation takes. */
final class InputLoader {
  private static final Set<DType> REAL = Set.of(DType.F32, DType.F64, DType.F16, DType.BF16);

  private final Device device;
  private final DType asked;
  private Input first;
  private DType data;

  /**
   * Creates a loader.
   *
   * @param device where the tensors shall be
   * @param asked the type for data, or null for that of the first data file
   * @throws UsageException if it is no floating-point type
   */
  InputLoader(Device device, DType asked) {
    if (asked != null && !REAL.contains(asked)) {
      throw new UsageException("--dtype: expected f32, bf16, f16 or f64, got " + name(asked));
    }
    this.device = device;
    this.asked = asked;
    data = asked;
  }

  /** The type that data has, after the first data file was loaded. */
  DType data() {
    return data;
  }

  /** Reads one input; the caller closes the tensor. */
  Tensor load(Input input, Path file) {
    Tensor tensor;
    try {
      tensor = NpyFiles.read(file);
    } catch (FailureException e) {
      throw new FailureException(input.flag() + " " + e.getMessage(), e);
    }
    try {
      tensor = converted(input, file, tensor);
      return device.type() == Device.Type.CPU ? tensor : moved(tensor);
    } catch (RuntimeException e) {
      tensor.close();
      throw e;
    }
  }

  /** Reads sets of labels; the caller closes them. */
  LabelledSets loadSets(Input input, Path file) {
    try {
      return LabelledSets.of(NpzFiles.matrix(file), device);
    } catch (FailureException e) {
      throw new FailureException(input.flag() + " " + e.getMessage(), e);
    }
  }

  private Tensor converted(Input input, Path file, Tensor tensor) {
    return switch (input.role()) {
      case DATA -> data(input, file, tensor);
      case MATRIX -> real(input, file, tensor);
      case VECTOR ->
          real(input, file, tensor).dtype() == DType.F64 ? tensor : as(DType.F32, tensor);
      case MASK -> mask(input, file, tensor);
      case INDEX -> index(input, file, tensor);
      case CODES -> codes(input, file, tensor);
      case SETS -> throw new AssertionError(input);
    };
  }

  private Tensor data(Input input, Path file, Tensor tensor) {
    real(input, file, tensor);
    if (data == null) {
      first = input;
      data = tensor.dtype();
    }
    if (asked == null && tensor.dtype() != data) {
      throw new FailureException(
          String.format(
              "%s %s: expected %s as %s has, got %s; --dtype converts them",
              input.flag(), file, name(data), first.flag(), name(tensor.dtype())));
    }
    return as(data, tensor);
  }

  private static Tensor real(Input input, Path file, Tensor tensor) {
    if (!REAL.contains(tensor.dtype())) {
      throw new FailureException(
          String.format(
              "%s %s: expected f2, f4 or f8 elements, got %s of shape %s",
              input.flag(), file, name(tensor.dtype()), Arrays.toString(tensor.shape())));
    }
    return tensor;
  }

  private static Tensor mask(Input input, Path file, Tensor tensor) {
    if (REAL.contains(tensor.dtype())) {
      throw new FailureException(
          String.format(
              "%s %s: expected u1, bool or integer elements, got %s",
              input.flag(), file, name(tensor.dtype())));
    }
    if (tensor.dtype() == DType.U8) {
      return tensor;
    }
    byte[] flags = new byte[Math.toIntExact(tensor.elements())];
    ByteBuffer values = tensor.asByteBuffer().order(ByteOrder.nativeOrder());
    for (int i = 0; i < flags.length; i++) {
      long value = tensor.dtype() == DType.I64 ? values.getLong() : values.getInt();
      flags[i] = (byte) (value == 0 ? 0 : 1);
    }
    Tensor mask = Tensor.of(flags, tensor.shape());
    tensor.close();
    return mask;
  }

  private static Tensor codes(Input input, Path file, Tensor tensor) {
    if (tensor.dtype() != DType.I8 && tensor.dtype() != DType.U8) {
      throw new FailureException(
          String.format(
              "%s %s: expected i1 or u1 elements, got %s",
              input.flag(), file, name(tensor.dtype())));
    }
    return tensor;
  }

  private static Tensor index(Input input, Path file, Tensor tensor) {
    if (tensor.dtype() == DType.I64) {
      return tensor;
    }
    if (tensor.dtype() != DType.I32) {
      throw new FailureException(
          String.format(
              "%s %s: expected i4 or i8 elements, got %s",
              input.flag(), file, name(tensor.dtype())));
    }
    long[] wide = new long[Math.toIntExact(tensor.elements())];
    ByteBuffer values = tensor.asByteBuffer().order(ByteOrder.nativeOrder());
    for (int i = 0; i < wide.length; i++) {
      wide[i] = values.getInt();
    }
    Tensor index = Tensor.of(wide, tensor.shape());
    tensor.close();
    return index;
  }

  private static Tensor as(DType dtype, Tensor tensor) {
    if (tensor.dtype() == dtype) {
      return tensor;
    }
    Tensor converted = tensor.to(dtype);
    tensor.close();
    return converted;
  }

  private Tensor moved(Tensor tensor) {
    Tensor moved = tensor.to(device);
    tensor.close();
    return moved;
  }

  private static String name(DType dtype) {
    return dtype.name().toLowerCase(Locale.ROOT);
  }
}
