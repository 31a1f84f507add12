package org.lossmith.cli.npy;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.ByteChannel;
import java.nio.channels.FileChannel;
import java.nio.channels.ReadableByteChannel;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import java.util.Map;
import org.lossmith.DType;
import org.lossmith.Tensor;
import org.lossmith.cli.FailureException;
import org.openlca.npy.NpyByteOrder;
import org.openlca.npy.NpyDataType;
import org.openlca.npy.dict.NpyHeaderDict;

/**
 * Tensors from and to NumPy's .npy files. Reads f2, f4, f8, u1, bool, i4 and i8 in C or Fortran
 * order and either byte order; writes C order, little-endian. Every failure is a {@link
 * FailureException} that names the file, what was expected and what came.
 */
public final class NpyFiles {
  /** Rows are moved in blocks, since a ByteBuffer cannot hold 2 GiB. */
  private static final long BLOCK_BYTES = 1L << 28;

  private static final Map<DType, NpyDataType> TYPES =
      Map.of(
          DType.F16, NpyDataType.f2,
          DType.F32, NpyDataType.f4,
          DType.F64, NpyDataType.f8,
          DType.U8, NpyDataType.u1,
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
          forBlocks(tensor, buffer -> readFully(channel, buffer));
        } else {
          reorder(file, channel, header, tensor);
        }
        return tensor;
      } catch (IOException | RuntimeException e) {
        tensor.close();
        throw e;
      }
    } catch (IOException e) {
      throw new FailureException(file + ": " + reason(e), e);
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
      writeFully(channel, ByteBuffer.wrap(header(tensor)));
      forBlocks(tensor, buffer -> writeFully(channel, buffer));
    } catch (IOException e) {
      throw new FailureException(file + ": " + reason(e), e);
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

  /** What to do with a block of a tensor's memory. */
  @FunctionalInterface
  private interface BlockAction {
    void accept(ByteBuffer buffer) throws IOException;
  }

  private static void forBlocks(Tensor tensor, BlockAction action) throws IOException {
    if (tensor.elements() == 0) {
      return;
    }
    if (tensor.bytes() <= BLOCK_BYTES) {
      action.accept(tensor.asByteBuffer().order(ByteOrder.nativeOrder()));
      return;
    }
    long rows = tensor.size(0);
    long step = Math.max(1, rows * BLOCK_BYTES / tensor.bytes());
    for (long from = 0; from < rows; from += step) {
      try (Tensor block = tensor.rows(from, Math.min(rows, from + step))) {
        action.accept(block.asByteBuffer().order(ByteOrder.nativeOrder()));
      }
    }
  }

  private static void readFully(ReadableByteChannel channel, ByteBuffer buffer) throws IOException {
    while (buffer.hasRemaining()) {
      if (channel.read(buffer) < 0) {
        throw new IOException("the file shrank while it was read");
      }
    }
    buffer.flip();
  }

  private static void writeFully(ByteChannel channel, ByteBuffer buffer) throws IOException {
    while (buffer.hasRemaining()) {
      channel.write(buffer);
    }
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

  private static String reason(IOException e) {
    if (e instanceof NoSuchFileException) {
      return "no such file or directory";
    }
    if (e instanceof AccessDeniedException) {
      return "permission denied";
    }
    if (e instanceof FileSystemException named && named.getReason() != null) {
      return named.getReason();
    }
    return e.getMessage();
  }
}
