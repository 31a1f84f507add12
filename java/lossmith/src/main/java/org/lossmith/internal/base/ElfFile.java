package org.lossmith.internal.base;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Path;

/**
 * A shared library as a file. The system's loader does not notice that the end of one is missing:
 * it maps what is not there, and the process dies at the first access. A dependency for another
 * machine it passes over, and says that it was not found.
 */
final class ElfFile {
  private static final int HEADER_BYTES = 64;
  private static final int MAGIC = 0x464c457f;
  private static final int SIXTY_FOUR_BITS = 2;
  private static final int X86_64 = 62;
  private static final int LOAD = 1;

  private ElfFile() {}

  /**
   * Returns if the file can be mapped by this process.
   *
   * @throws UnsatisfiedLinkError if it is no library for x86-64, or not all of one
   */
  static void check(Path file) {
    try (FileChannel channel = FileChannel.open(file)) {
      long size = channel.size();
      ByteBuffer header = read(channel, 0, HEADER_BYTES);
      require(header.remaining() == HEADER_BYTES, file, "64 bytes of header", size + " bytes");
      require(header.getInt(0) == MAGIC && header.get(4) == SIXTY_FOUR_BITS, file, "ELF64", "none");
      int machine = header.getShort(18);
      require(machine == X86_64, file, "machine 62 (x86-64)", "machine " + machine);
      int width = header.getShort(54);
      int count = header.getShort(56);
      ByteBuffer segments = read(channel, header.getLong(32), width * count);
      require(segments.remaining() == width * count, file, count + " segments", size + " bytes");
      for (int at = 0; at < width * count; at += width) {
        long end = segments.getLong(at + 8) + segments.getLong(at + 32);
        require(
            segments.getInt(at) != LOAD || end <= size,
            file,
            "at least " + end + " bytes",
            size + " bytes");
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static ByteBuffer read(FileChannel channel, long from, int bytes) throws IOException {
    ByteBuffer buffer = ByteBuffer.allocate(bytes).order(ByteOrder.LITTLE_ENDIAN);
    int read = 0;
    while (buffer.hasRemaining() && read >= 0) {
      read = channel.read(buffer, from + buffer.position());
    }
    return buffer.flip();
  }

  private static void require(boolean holds, Path file, String expected, String got) {
    if (!holds) {
      throw new UnsatisfiedLinkError(file + ": expected " + expected + ", got " + got);
    }
  }
}
