package org.lossmith.cli.files;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.ReadableByteChannel;
import java.nio.channels.WritableByteChannel;
import org.lossmith.Device;
import org.lossmith.Tensor;

/** The memory of tensors on the CPU as buffers, block by block: a ByteBuffer ends at 2 GiB. */
public final class TensorBytes {
  private static final long BLOCK_BYTES = 1L << 28;

  private TensorBytes() {}

  /** What to do with a block of a tensor's memory. */
  @FunctionalInterface
  public interface Action {
    /**
     * Reads or writes a block.
     *
     * @param buffer the bytes of the block, from its position to its limit
     * @throws IOException whatever the file behind it fails with
     */
    void accept(ByteBuffer buffer) throws IOException;
  }

  /** Visits the memory of a contiguous tensor from its beginning to its end. */
  public static void forBlocks(Tensor tensor, Action action) throws IOException {
    long elements = tensor.elements();
    if (elements == 0) {
      return;
    }
    long step = BLOCK_BYTES / tensor.dtype().bytes();
    try (Tensor flat = flat(tensor)) {
      for (long from = 0; from < elements; from += step) {
        try (Tensor block = flat.rows(from, Math.min(elements, from + step))) {
          action.accept(block.asByteBuffer().order(ByteOrder.nativeOrder()));
        }
      }
    }
  }

  /** A view of all elements of a contiguous tensor in one dimension; the caller closes it. */
  public static Tensor flat(Tensor tensor) {
    return view(tensor, tensor.elements());
  }

  /** A view of a contiguous tensor on the CPU with another shape; the caller closes it. */
  public static Tensor view(Tensor tensor, long... shape) {
    if (tensor.device().type() != Device.Type.CPU || !tensor.isContiguous()) {
      throw new IllegalArgumentException(
          "tensor: expected a contiguous one on the CPU, got " + tensor);
    }
    return Tensor.wrap(tensor.address(), tensor.device(), tensor.dtype(), tensor, shape, null);
  }

  /** Fills a buffer from a channel. */
  public static void readFully(ReadableByteChannel channel, ByteBuffer buffer) throws IOException {
    while (buffer.hasRemaining()) {
      if (channel.read(buffer) < 0) {
        throw new IOException("the file shrank while it was read");
      }
    }
    buffer.flip();
  }

  /** Writes all of a buffer to a channel. */
  public static void writeFully(WritableByteChannel channel, ByteBuffer buffer) throws IOException {
    while (buffer.hasRemaining()) {
      channel.write(buffer);
    }
  }
}
