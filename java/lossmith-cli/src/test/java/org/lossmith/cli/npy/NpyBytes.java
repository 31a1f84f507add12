package org.lossmith.cli.npy;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;

/** Writes .npy files by hand, as NumPy lays them out. */
public final class NpyBytes {
  private NpyBytes() {}

  /** Writes a file of version 1.0 with a header dictionary and the elements' bytes. */
  public static Path write(Path file, String dictionary, byte[] elements) throws IOException {
    int length = (10 + dictionary.length() + 1 + 63) / 64 * 64;
    ByteBuffer bytes = ByteBuffer.allocate(length + elements.length).order(ByteOrder.LITTLE_ENDIAN);
    bytes.put((byte) 0x93).put("NUMPY".getBytes(StandardCharsets.US_ASCII));
    bytes.put((byte) 1).put((byte) 0).putShort((short) (length - 10));
    bytes.put(dictionary.getBytes(StandardCharsets.US_ASCII));
    while (bytes.position() < length - 1) {
      bytes.put((byte) ' ');
    }
    bytes.put((byte) '\n').put(elements);
    return Files.write(file, bytes.array());
  }

  /** Writes a matrix of f8. */
  public static Path matrix(Path file, double[][] rows) throws IOException {
    ByteBuffer elements =
        ByteBuffer.allocate(Double.BYTES * rows.length * rows[0].length)
            .order(ByteOrder.LITTLE_ENDIAN);
    for (double[] row : rows) {
      for (double value : row) {
        elements.putDouble(value);
      }
    }
    return write(file, dictionary("<f8", false, rows.length, rows[0].length), elements.array());
  }

  /** The dictionary of a header. */
  public static String dictionary(String descr, boolean fortranOrder, int... shape) {
    StringBuilder tuple = new StringBuilder();
    for (int i = 0; i < shape.length; i++) {
      tuple.append(i > 0 ? " " : "").append(shape[i]);
      tuple.append(i < shape.length - 1 || shape.length == 1 ? "," : "");
    }
    return String.format(
        "{'descr': '%s', 'fortran_order': %s, 'shape': (%s), }",
        descr, fortranOrder ? "True" : "False", tuple);
  }
}
