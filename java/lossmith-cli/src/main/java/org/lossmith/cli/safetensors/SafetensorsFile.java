package org.lossmith.cli.safetensors;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.Map;
import org.lossmith.DType;
import org.lossmith.Tensor;
import org.lossmith.cli.FailureException;
import org.lossmith.cli.files.FileErrors;
import org.lossmith.cli.files.TensorBytes;

/**
 * A file of safetensors that is open for reading. Only the header is held; tensors are read when
 * they are asked for, and may be of any size.
 */
public final class SafetensorsFile implements AutoCloseable {
  private final Path file;
  private final FileChannel channel;
  private final SafetensorsHeader header;

  private SafetensorsFile(Path file, FileChannel channel, SafetensorsHeader header) {
    this.file = file;
    this.channel = channel;
    this.header = header;
  }

  /**
   * Opens a file and checks its header.
   *
   * @throws FailureException if it cannot be read or is damaged; names file, tensor and offset
   */
  public static SafetensorsFile open(Path file) {
    FileChannel channel = null;
    try {
      channel = FileChannel.open(file, StandardOpenOption.READ);
      return new SafetensorsFile(file, channel, SafetensorsHeader.read(file, channel));
    } catch (IOException e) {
      close(channel);
      throw FileErrors.of(file, e);
    } catch (RuntimeException e) {
      close(channel);
      throw e;
    }
  }

  /** Where the file is. */
  public Path path() {
    return file;
  }

  /** The tensors in the order of their bytes. */
  public List<SafetensorsEntry> entries() {
    return header.entries();
  }

  /** The strings that the file has beside its tensors. */
  public Map<String, String> metadata() {
    return header.metadata();
  }

  /**
   * Reads bytes of a tensor.
   *
   * @param from the first byte, counted from the beginning of the tensor
   * @param target filled to its limit, then flipped
   */
  public void read(SafetensorsEntry entry, long from, ByteBuffer target) {
    long start = entry.begin() + from - target.position();
    try {
      while (target.hasRemaining()) {
        if (channel.read(target, start + target.position()) < 0) {
          throw new IOException("the file shrank while it was read");
        }
      }
      target.flip();
    } catch (IOException e) {
      throw new FailureException(
          String.format(
              "%s: tensor '%s' at offset %d: %s",
              file, entry.name(), entry.begin(), FileErrors.reason(e)),
          e);
    }
  }

  /**
   * Reads a tensor.
   *
   * @return a new tensor on the CPU of the file's type; the caller closes it
   * @throws FailureException if the library has no such type
   */
  public Tensor tensor(SafetensorsEntry entry) {
    return tensor(entry, entry.shape());
  }

  /**
   * The same with another shape of as many elements.
   *
   * @param shape extents
   * @return a new tensor on the CPU of the file's type; the caller closes it
   * @throws FailureException if the library has no such type
   */
  public Tensor tensor(SafetensorsEntry entry, long... shape) {
    DType type = entry.type();
    if (type == null || ByteOrder.nativeOrder() != ByteOrder.LITTLE_ENDIAN) {
      throw new FailureException(
          String.format(
              "%s: tensor '%s': expected elements that this machine reads, got %s",
              file, entry.name(), entry.dtype()));
    }
    Tensor tensor = Tensor.zeros(type, shape);
    long[] at = {0};
    try {
      TensorBytes.forBlocks(
          tensor,
          block -> {
            int count = block.remaining();
            read(entry, at[0], block);
            at[0] += count;
          });
      return tensor;
    } catch (IOException | RuntimeException e) {
      tensor.close();
      throw e instanceof IOException io ? FileErrors.of(file, io) : (RuntimeException) e;
    }
  }

  @Override
  public void close() {
    close(channel);
  }

  private static void close(FileChannel channel) {
    try {
      if (channel != null) {
        channel.close();
      }
    } catch (IOException e) {
      throw new AssertionError("closing a file that was only read", e);
    }
  }
}
