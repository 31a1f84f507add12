package org.lossmith.cli.safetensors;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** Writes files of safetensors byte by byte, good ones and bad ones. */
public final class SafetensorsBytes {
  private final List<String> members = new ArrayList<>();
  private byte[] data = new byte[0];

  /** Adds a member of the header as text. */
  public SafetensorsBytes member(String text) {
    members.add(text);
    return this;
  }

  /** Adds a tensor behind those before. */
  public SafetensorsBytes tensor(String name, String dtype, String shape, byte[] bytes) {
    int begin = data.length;
    data = java.util.Arrays.copyOf(data, begin + bytes.length);
    System.arraycopy(bytes, 0, data, begin, bytes.length);
    return member(
        String.format(
            "\"%s\":{\"dtype\":\"%s\",\"shape\":%s,\"data_offsets\":[%d,%d]}",
            name, dtype, shape, begin, data.length));
  }

  /** Adds F32 elements. */
  public SafetensorsBytes floats(String name, String shape, float... values) {
    ByteBuffer bytes = ByteBuffer.allocate(4 * values.length).order(ByteOrder.LITTLE_ENDIAN);
    for (float value : values) {
      bytes.putFloat(value);
    }
    return tensor(name, "F32", shape, bytes.array());
  }

  /** Adds BF16 elements, cut off. */
  public SafetensorsBytes halves(String name, String shape, float... values) {
    ByteBuffer bytes = ByteBuffer.allocate(2 * values.length).order(ByteOrder.LITTLE_ENDIAN);
    for (float value : values) {
      bytes.putShort((short) (Float.floatToRawIntBits(value) >>> 16));
    }
    return tensor(name, "BF16", shape, bytes.array());
  }

  /** Writes the file. */
  public Path write(Path file) throws IOException {
    return write(file, "{" + String.join(",", members) + "}", data);
  }

  /** Writes a header and data as they are. */
  public static Path write(Path file, String header, byte[] data) throws IOException {
    byte[] text = header.getBytes(StandardCharsets.UTF_8);
    ByteBuffer bytes =
        ByteBuffer.allocate(8 + text.length + data.length).order(ByteOrder.LITTLE_ENDIAN);
    return Files.write(file, bytes.putLong(text.length).put(text).put(data).array());
  }
}
