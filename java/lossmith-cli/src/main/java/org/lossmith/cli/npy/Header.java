package org.lossmith.cli.npy;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.SeekableByteChannel;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.lossmith.DType;
import org.lossmith.cli.FailureException;
import org.openlca.npy.NpyDataType;
import org.openlca.npy.NpyFormatException;
import org.openlca.npy.NpyHeader;

/**
 * What the header of a .npy file says.
 *
 * @param dtype element type; numpy's bool is {@link DType#U8}
 * @param shape extents, empty for a scalar
 * @param fortranOrder whether the first index runs fastest
 * @param byteOrder byte order of the elements
 * @param dataOffset where the elements begin in the file
 */
record Header(
    DType dtype, long[] shape, boolean fortranOrder, ByteOrder byteOrder, long dataOffset) {
  private static final byte[] MAGIC = {(byte) 0x93, 'N', 'U', 'M', 'P', 'Y'};
  private static final Map<NpyDataType, DType> TYPES =
      Map.of(
          NpyDataType.f2, DType.F16,
          NpyDataType.f4, DType.F32,
          NpyDataType.f8, DType.F64,
          NpyDataType.bool, DType.U8,
          NpyDataType.u1, DType.U8,
          NpyDataType.i1, DType.I8,
          NpyDataType.i4, DType.I32,
          NpyDataType.i8, DType.I64);
  private static final String EXPECTED_TYPES = "f2, f4, f8, u1, i1, bool, i4 or i8 elements";

  /** Number of elements. */
  long elements() {
    return Arrays.stream(shape).reduce(1, Math::multiplyExact);
  }

  /** Reads the header and checks that the elements follow it, as many as it says. */
  static Header read(Path file, SeekableByteChannel channel) throws IOException {
    checkMagic(file, channel);
    NpyHeader header;
    try {
      header = NpyHeader.read(channel);
    } catch (NpyFormatException | StringIndexOutOfBoundsException e) {
      throw new FailureException(
          file + ": expected a .npy header with " + EXPECTED_TYPES + ", got " + reason(e), e);
    }
    DType dtype = TYPES.get(header.dict().dataType());
    if (dtype == null) {
      throw new FailureException(
          file + ": expected " + EXPECTED_TYPES + ", got " + header.dict().dataType().symbol());
    }
    long[] shape = Arrays.stream(header.dict().shape()).asLongStream().toArray();
    if (Arrays.stream(shape).anyMatch(extent -> extent < 0)) {
      throw new FailureException(
          file + ": expected extents from 0 to 2^31 - 1, got " + Arrays.toString(shape));
    }
    Header read =
        new Header(
            dtype,
            shape,
            header.dict().hasFortranOrder(),
            header.byteOrder() == null ? ByteOrder.nativeOrder() : header.byteOrder(),
            header.dataOffset());
    read.checkLength(file, channel.size());
    return read;
  }

  /** The words of the parser for what a user may meet. */
  static String reason(Exception e) {
    String message = String.valueOf(e.getMessage());
    if (message.startsWith("invalid NPY")) {
      return "a truncated header";
    }
    if (message.startsWith("unsupported data type: ")) {
      String type = message.substring(message.indexOf(": ") + 2);
      return type.endsWith("O") ? "Python objects (" + type + ")" : type;
    }
    return message.contains("'['") ? "a structured type" : message;
  }

  private static void checkMagic(Path file, SeekableByteChannel channel) throws IOException {
    ByteBuffer start = ByteBuffer.allocate(MAGIC.length);
    while (start.hasRemaining() && channel.read(start) >= 0) {
      // a read may return less than was asked for
    }
    if (start.hasRemaining()) {
      throw new FailureException(
          file + ": expected a .npy file, got a file of " + channel.size() + " bytes");
    }
    if (!Arrays.equals(start.array(), MAGIC)) {
      String got = List.of('P', 'K').equals(firstTwo(start)) ? "a zip (.npz) file" : hex(start);
      throw new FailureException(
          file + ": expected a .npy file (bytes 93 4e 55 4d 50 59 at its start), got " + got);
    }
    channel.position(0);
  }

  private void checkLength(Path file, long size) {
    long expected = Math.addExact(dataOffset, Math.multiplyExact(elements(), dtype.bytes()));
    if (size < expected) {
      throw new FailureException(
          String.format(
              "%s: expected %d bytes for shape %s of %s, got %d: the file is truncated",
              file, expected, Arrays.toString(shape), dtype.name().toLowerCase(Locale.ROOT), size));
    }
  }

  private static List<Character> firstTwo(ByteBuffer bytes) {
    return List.of((char) bytes.get(0), (char) bytes.get(1));
  }

  private static String hex(ByteBuffer bytes) {
    return HexFormat.ofDelimiter(" ").formatHex(bytes.array());
  }
}
