package org.lossmith.cli.npy;

import java.io.ByteArrayInputStream;
import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.SequenceInputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Map;
import java.util.Set;
import java.util.zip.ZipEntry;
import java.util.zip.ZipFile;
import org.lossmith.cli.FailureException;
import org.openlca.npy.NpyDataType;
import org.openlca.npy.NpyFormatException;
import org.openlca.npy.NpyHeader;

/** One array, of one dimension, in a .npz file. */
final class NpzArray implements AutoCloseable {
  private static final int BUFFER_BYTES = 1 << 16;

  private static final Map<NpyDataType, Integer> INTEGERS =
      Map.of(
          NpyDataType.bool, 1,
          NpyDataType.i1, 1,
          NpyDataType.u1, 1,
          NpyDataType.i2, 2,
          NpyDataType.u2, 2,
          NpyDataType.i4, 4,
          NpyDataType.u4, 4,
          NpyDataType.i8, 8);

  private static final Map<NpyDataType, Integer> NUMBERS =
      Map.of(
          NpyDataType.f4, 4,
          NpyDataType.f8, 8);

  private final String name;
  private final InputStream stream;
  private final NpyHeader header;

  private NpzArray(Path file, ZipFile zip, String array) throws IOException {
    name = file + ": " + array;
    ZipEntry entry = zip.getEntry(array + ".npy");
    if (entry == null) {
      throw new FailureException(
          file
              + ": expected a matrix of scipy.sparse.save_npz with format, shape, indptr, indices"
              + " and data, got no "
              + array);
    }
    stream = new WholeReads(zip.getInputStream(entry));
    header = header();
  }

  /** Reads an array of integers. */
  static long[] longs(Path file, ZipFile zip, String array) throws IOException {
    try (NpzArray from = new NpzArray(file, zip, array)) {
      from.expect(Set.of(NpyDataType.i4, NpyDataType.i8), "i4 or i8 elements");
      long[] values = new long[from.length()];
      boolean wide = from.type() == NpyDataType.i8;
      from.read(
          values.length,
          wide ? Long.BYTES : Integer.BYTES,
          (i, bytes) -> values[i] = wide ? bytes.getLong() : bytes.getInt());
      return values;
    }
  }

  /** Reads an array of numbers. */
  static float[] floats(Path file, ZipFile zip, String array) throws IOException {
    try (NpzArray from = new NpzArray(file, zip, array)) {
      NpyDataType type = from.type();
      if (!NUMBERS.containsKey(type)) {
        from.expect(INTEGERS.keySet(), "f4, f8, bool or integer elements");
      }
      float[] values = new float[from.length()];
      int size = NUMBERS.getOrDefault(type, INTEGERS.getOrDefault(type, 0));
      from.read(values.length, size, (i, bytes) -> values[i] = number(type, bytes));
      return values;
    }
  }

  /** Reads the text of an array of no dimension. */
  static String text(Path file, ZipFile zip, String array) throws IOException {
    try (NpzArray from = new NpzArray(file, zip, array)) {
      from.expect(Set.of(NpyDataType.S, NpyDataType.U), "text");
      byte[] bytes = from.stream.readAllBytes();
      // NumPy keeps text in bytes of ASCII, or in four bytes for each character.
      boolean wide = from.type() == NpyDataType.U;
      StringBuilder text = new StringBuilder();
      int first = wide && from.order() == ByteOrder.BIG_ENDIAN ? 3 : 0;
      for (int i = first; i < bytes.length; i += wide ? 4 : 1) {
        text.append((char) (bytes[i] & 0xff));
      }
      return text.toString().replace("\0", "");
    }
  }

  @Override
  public void close() throws IOException {
    stream.close();
  }

  private NpyHeader header() throws IOException {
    byte[] magic = {(byte) 0x93, 'N', 'U', 'M', 'P', 'Y'};
    byte[] start = stream.readNBytes(magic.length);
    if (!Arrays.equals(start, magic)) {
      throw new FailureException(
          name
              + ": expected a .npy header, got '"
              + new String(start, StandardCharsets.ISO_8859_1).replaceAll("[^ -~]", "?")
              + "'");
    }
    try {
      return NpyHeader.read(
          new WholeReads(new SequenceInputStream(new ByteArrayInputStream(magic), stream)));
    } catch (NpyFormatException | StringIndexOutOfBoundsException e) {
      throw new FailureException(name + ": expected a .npy header, got " + Header.reason(e), e);
    }
  }

  private NpyDataType type() {
    return header.dict().dataType();
  }

  private ByteOrder order() {
    return header.byteOrder() == null ? ByteOrder.nativeOrder() : header.byteOrder();
  }

  private void expect(Set<NpyDataType> types, String expected) {
    if (!types.contains(type())) {
      throw new FailureException(name + ": expected " + expected + ", got " + type().symbol());
    }
  }

  private int length() {
    int[] shape = header.dict().shape();
    if (shape.length != 1 || shape[0] < 0) {
      throw new FailureException(
          name
              + ": expected one dimension of up to 2^31 - 1 elements, got shape "
              + Arrays.toString(shape));
    }
    return shape[0];
  }

  /** Takes element {@code i} from the buffer. */
  @FunctionalInterface
  private interface Element {
    void take(int i, ByteBuffer bytes);
  }

  private void read(int count, int size, Element element) throws IOException {
    byte[] buffer = new byte[BUFFER_BYTES];
    int i = 0;
    while (i < count) {
      int wanted = (int) Math.min(buffer.length, (long) size * (count - i));
      int got = stream.readNBytes(buffer, 0, wanted);
      if (got < wanted) {
        throw new FailureException(
            String.format(
                "%s: expected %d elements, got %d: the array is truncated",
                name, count, i + got / size));
      }
      ByteBuffer bytes = ByteBuffer.wrap(buffer, 0, wanted).order(order());
      while (bytes.hasRemaining()) {
        element.take(i++, bytes);
      }
    }
  }

  private static float number(NpyDataType type, ByteBuffer bytes) {
    return switch (type) {
      case f4 -> bytes.getFloat();
      case f8 -> (float) bytes.getDouble();
      case bool, u1 -> bytes.get() & 0xff;
      case i1 -> bytes.get();
      case i2 -> bytes.getShort();
      case u2 -> bytes.getShort() & 0xffff;
      case i4 -> bytes.getInt();
      case u4 -> bytes.getInt() & 0xffffffffL;
      case i8 -> bytes.getLong();
      default -> throw new IllegalArgumentException("type: expected a number, got " + type);
    };
  }

  /** A stream that gives as many bytes as are asked for, which the parser of headers relies on. */
  private static final class WholeReads extends FilterInputStream {
    WholeReads(InputStream in) {
      super(in);
    }

    @Override
    public int read(byte[] target) throws IOException {
      return read(target, 0, target.length);
    }

    @Override
    public int read(byte[] target, int from, int length) throws IOException {
      int got = in.readNBytes(target, from, length);
      return got == 0 && length > 0 ? -1 : got;
    }
  }
}
