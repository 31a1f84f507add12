package org.lossmith.cli.safetensors;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.lossmith.cli.Json;
import org.lossmith.cli.files.AtomicFile;

/**
 * Writes a file of safetensors whose tensors are announced first and then arrive in any order, in
 * pieces. The bytes lie as the format wants them: wide elements first, then by name, so that each
 * tensor is aligned. The file appears under its name when it is committed.
 */
public final class SafetensorsWriter implements AutoCloseable {
  private static final int ALIGNMENT = 8;

  /**
   * A tensor to come.
   *
   * @param name its name
   * @param dtype its element type as the format spells it
   * @param shape its extents
   * @param bytes the bytes that it takes
   */
  public record Slot(String name, String dtype, long[] shape, long bytes) {}

  private final AtomicFile file;
  private final Map<String, Long> offsets = new LinkedHashMap<>();
  private final Map<String, Long> missing = new LinkedHashMap<>();

  private SafetensorsWriter(AtomicFile file) {
    this.file = file;
  }

  /** Begins a file: writes the header. */
  public static SafetensorsWriter create(Path path, List<Slot> slots, Map<String, String> metadata)
      throws IOException {
    AtomicFile file = AtomicFile.create(path);
    try {
      SafetensorsWriter writer = new SafetensorsWriter(file);
      writer.writeHeader(slots, metadata);
      return writer;
    } catch (IOException | RuntimeException e) {
      file.close();
      throw e;
    }
  }

  private void writeHeader(List<Slot> slots, Map<String, String> metadata) throws IOException {
    List<Slot> ordered = new ArrayList<>(slots);
    ordered.sort(
        Comparator.comparingInt((Slot slot) -> -SafetensorsTypes.bits(slot.dtype()))
            .thenComparing(Slot::name));
    Map<String, Object> object = new LinkedHashMap<>();
    if (!metadata.isEmpty()) {
      object.put(SafetensorsHeader.METADATA, metadata);
    }
    long at = 0;
    for (Slot slot : ordered) {
      Map<String, Object> entry = new LinkedHashMap<>();
      entry.put("dtype", slot.dtype());
      entry.put("shape", slot.shape());
      entry.put("data_offsets", new long[] {at, at + slot.bytes()});
      if (object.put(slot.name(), entry) != null) {
        throw new IllegalArgumentException(
            "tensor '" + slot.name() + "': expected once, got twice");
      }
      offsets.put(slot.name(), at);
      missing.put(slot.name(), slot.bytes());
      at += slot.bytes();
    }
    byte[] text = Json.line(object).getBytes(StandardCharsets.UTF_8);
    byte[] padded = Arrays.copyOf(text, (text.length + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT);
    Arrays.fill(padded, text.length, padded.length, (byte) ' ');
    ByteBuffer header =
        ByteBuffer.allocate(SafetensorsHeader.LENGTH_BYTES + padded.length)
            .order(ByteOrder.LITTLE_ENDIAN)
            .putLong(padded.length)
            .put(padded)
            .flip();
    offsets.replaceAll((name, offset) -> offset + header.limit());
    writeFully(header, 0);
  }

  /**
   * Writes bytes of a tensor.
   *
   * @param from the first byte, counted from the beginning of the tensor; each byte is written once
   */
  public void write(String name, long from, ByteBuffer bytes) throws IOException {
    long left = missing.get(name) - bytes.remaining();
    if (left < 0) {
      throw new IllegalStateException("tensor '" + name + "': got more bytes than it has");
    }
    missing.put(name, left);
    writeFully(bytes, offsets.get(name) + from);
  }

  private void writeFully(ByteBuffer bytes, long at) throws IOException {
    FileChannel channel = file.channel();
    long start = at - bytes.position();
    while (bytes.hasRemaining()) {
      channel.write(bytes, start + bytes.position());
    }
  }

  /** Ends the file, which must have got all its bytes, and gives it its name. */
  public void commit() throws IOException {
    missing.forEach(
        (name, left) -> {
          if (left != 0) {
            throw new IllegalStateException(
                "tensor '" + name + "': expected " + left + " bytes more, got the end");
          }
        });
    file.commit();
  }

  @Override
  public void close() throws IOException {
    file.close();
  }
}
