package org.lossmith.cli.npy;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.ByteChannel;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import java.util.Map;
import org.lossmith.DType;
import org.lossmith.Tensor;
import org.lossmith.cli.FailureException;
import org.lossmith.cli.files.FileErrors;
import org.lossmith.cli.files.TensorBytes;
import org.openlca.npy.NpyByteOrder;
import org.openlca.npy.NpyDataType;
import org.openlca.npy.dict.NpyHeaderDict;

/**
 * Tensors from and to NumPy's .npy files. Reads f2, f4, f8, u1, i1, bool, i4 and i8 in C or Fortran
 * order and either byte order; writes C order, little-endian. Every failure is a {@link
 * FailureException} that names the file, what was expected and what came.
 */
public final class NpyFiles {
  private static final Map<DType, NpyDataType> TYPES =
      Map.of(
          DType.F16, NpyDataType.f2,
          DType.F32, NpyDataType.f4,
          DType.F64, NpyDataType.f8,
          DType.U8, NpyDataType.u1,
          DType.I8, NpyDataType.i1,
          DType.I32, NpyDataType.i4,
          DType.I64, NpyDataType.i8);

  private NpyFiles() {}

  /** Reads a file into a new tensor on the CPU, in C order, of the file's element type. */
  public static Tensor read(Path file) {
    try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
      Header header = Header.read(file, channel);
      channel.position(header.dataOffset());
      Tensor tensor = Tensor.zeros(header.dtype(), header.shape());
      try {
        if (isPlain(header)) {
          TensorBytes.forBlocks(tensor, buffer -> TensorBytes.readFully(channel, buffer));
        } else {
          reorder(file, channel, header, tensor);
        }
        return tensor;
      } catch (IOException | RuntimeException e) {
        tensor.close();
        throw e;
      }
    } catch (IOException e) {
      throw FileErrors.of(file, e);
    }
  }

  /**
   * Writes a tensor of the CPU. NumPy has no bf16: such elements are written as f4, which holds
   * them exactly.
   */
  public static void write(Path file, Tensor tensor) {
    if (tensor.dtype() == DType.BF16) {
      try (Tensor wide = tensor.to(DType.F32)) {
        write(file, wide);
      }
      return;
    }
    try (ByteChannel channel =
        Files.newByteChannel(
            file,
            StandardOpenOption.CREATE,
            StandardOpenOption.WRITE,
            StandardOpenOption.TRUNCATE_EXISTING)) {
      TensorBytes.writeFully(channel, ByteBuffer.wrap(header(tensor)));
      TensorBytes.forBlocks(tensor, buffer -> TensorBytes.writeFully(channel, buffer));
    } catch (IOException e) {
      throw FileErrors.of(file, e);
    }
  }

  private static byte[] header(Tensor tensor) {
    int[] shape = Arrays.stream(tensor.shape()).mapToInt(Math::toIntExact).toArray();
    return NpyHeaderDict.of(TYPES.get(tensor.dtype()))
        .withShape(shape)
        .withByteOrder(NpyByteOrder.LITTLE_ENDIAN)
        .create()
        .toNpyHeader();
  }

  /** Whether the file has the elements as the tensor wants them. */
  private static boolean isPlain(Header header) {
    boolean plainBytes =
        header.dtype().bytes() == 1 || header.byteOrder() == ByteOrder.nativeOrder();
    return plainBytes && (!header.fortranOrder() || header.shape().length < 2);
  }

  private static void reorder(Path file, FileChannel channel, Header header, Tensor tensor)
      throws IOException {
    if (tensor.bytes() > Integer.MAX_VALUE) {
      throw new FailureException(
          file
              + ": expected C order and little-endian elements in a file above 2 GiB, got "
              + (header.fortranOrder() ? "Fortran order" : "big-endian elements"));
    }
    if (tensor.elements() > 0) {
      ByteBuffer source =
          channel
              .map(FileChannel.MapMode.READ_ONLY, header.dataOffset(), tensor.bytes())
              .order(header.byteOrder());
      ByteBuffer target = tensor.asByteBuffer().order(ByteOrder.nativeOrder());
      Gather.copy(source, header.shape(), header.fortranOrder(), header.dtype().bytes(), target);
    }
  }
}
