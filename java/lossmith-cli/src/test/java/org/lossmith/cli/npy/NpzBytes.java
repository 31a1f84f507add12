package org.lossmith.cli.npy;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.zip.CRC32;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;

/** Writes .npz files as {@code scipy.sparse.save_npz} does, by other code than the command's. */
public final class NpzBytes {
  private final Map<String, byte[]> arrays = new LinkedHashMap<>();

  /** A matrix of the rows 0: {1, 3} with values 0.5 and 2; 1: none; 2: {0} with value 1. */
  public static NpzBytes matrix() {
    return new NpzBytes()
        .put("indices", "<i4", ints(1, 3, 0), 3)
        .put("indptr", "<i4", ints(0, 2, 2, 3), 4)
        .put("format", "|S3", "csr".getBytes(StandardCharsets.US_ASCII))
        .put("shape", "<i8", longs(3, 4), 2)
        .put("data", "<f4", floats(0.5f, 2, 1), 3);
  }

  /** Adds or replaces an array. */
  public NpzBytes put(String name, String descr, byte[] elements, int... shape) {
    try {
      Path file = Files.createTempFile("array", ".npy");
      NpyBytes.write(file, NpyBytes.dictionary(descr, false, shape), elements);
      arrays.put(name, Files.readAllBytes(file));
      Files.delete(file);
      return this;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Adds or replaces an array by any bytes. */
  public NpzBytes putRaw(String name, byte[] bytes) {
    arrays.put(name, bytes);
    return this;
  }

  /** Leaves an array out. */
  public NpzBytes without(String name) {
    arrays.remove(name);
    return this;
  }

  /** Writes the file, deflated or stored. */
  public Path write(Path file, boolean deflate) throws IOException {
    try (ZipOutputStream zip = new ZipOutputStream(Files.newOutputStream(file))) {
      for (Map.Entry<String, byte[]> array : arrays.entrySet()) {
        ZipEntry entry = new ZipEntry(array.getKey() + ".npy");
        if (!deflate) {
          CRC32 crc = new CRC32();
          crc.update(array.getValue());
          entry.setMethod(ZipEntry.STORED);
          entry.setSize(array.getValue().length);
          entry.setCrc(crc.getValue());
        }
        zip.putNextEntry(entry);
        zip.write(array.getValue());
        zip.closeEntry();
      }
    }
    return file;
  }

  /** Little-endian i4. */
  public static byte[] ints(int... values) {
    ByteBuffer bytes = ByteBuffer.allocate(4 * values.length).order(ByteOrder.LITTLE_ENDIAN);
    for (int value : values) {
      bytes.putInt(value);
    }
    return bytes.array();
  }

  /** Little-endian i8. */
  public static byte[] longs(long... values) {
    ByteBuffer bytes = ByteBuffer.allocate(8 * values.length).order(ByteOrder.LITTLE_ENDIAN);
    for (long value : values) {
      bytes.putLong(value);
    }
    return bytes.array();
  }

  /** Little-endian f4. */
  public static byte[] floats(float... values) {
    ByteBuffer bytes = ByteBuffer.allocate(4 * values.length).order(ByteOrder.LITTLE_ENDIAN);
    for (float value : values) {
      bytes.putFloat(value);
    }
    return bytes.array();
  }
}
