package org.lossmith.cli.safetensors;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.lossmith.cli.FailureException;

/**
 * The header of a file of safetensors: eight bytes with its length, little-endian, then a JSON
 * object that has a member {@code {"dtype", "shape", "data_offsets"}} for each tensor and strings
 * in {@code __metadata__}. The bytes of the tensors follow, without holes.
 *
 * @param entries the tensors in the order of their bytes
 * @param metadata the strings
 */
record SafetensorsHeader(List<SafetensorsEntry> entries, Map<String, String> metadata) {
  static final String METADATA = "__metadata__";

  /** The bytes before the JSON text. */
  static final int LENGTH_BYTES = Long.BYTES;

  /** What the format allows. */
  private static final long LONGEST = 100_000_000;

  private static final ObjectMapper MAPPER =
      JsonMapper.builder(
              JsonFactory.builder().enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION).build())
          .build();

  /**
   * Reads and checks the header of a file.
   *
   * @throws FailureException if the file is damaged; names the file, the tensor and the offset
   */
  static SafetensorsHeader read(Path file, FileChannel channel) throws IOException {
    long size = channel.size();
    if (size < LENGTH_BYTES) {
      throw bad(file, "expected a safetensors file of at least 8 bytes, got " + size);
    }
    long length = bytes(channel, 0, LENGTH_BYTES).getLong();
    if (length < 0 || length > LONGEST || length > size - LENGTH_BYTES) {
      throw bad(
          file,
          String.format(
              "expected the length of a header at offset 0, at most %d, got %s",
              Math.min(LONGEST, size - LENGTH_BYTES), Long.toUnsignedString(length)));
    }
    ByteBuffer text = bytes(channel, LENGTH_BYTES, (int) length);
    if (length == 0 || text.get(0) != '{') {
      throw bad(
          file,
          "expected a safetensors file with '{' at offset 8, got "
              + (length == 0
                  ? "an empty header"
                  : String.format("byte 0x%02x", Byte.toUnsignedInt(text.get(0)))));
    }
    return new Reader(file, size, LENGTH_BYTES + length).read(text.array());
  }

  private static ByteBuffer bytes(FileChannel channel, long from, int count) throws IOException {
    ByteBuffer buffer = ByteBuffer.allocate(count).order(ByteOrder.LITTLE_ENDIAN);
    while (buffer.hasRemaining()) {
      if (channel.read(buffer, from + buffer.position()) < 0) {
        throw new IOException("the file shrank while it was read");
      }
    }
    return buffer.flip();
  }

  private static FailureException bad(Path file, String message) {
    return new FailureException(file + ": " + message);
  }

  /** Reads the JSON text of a file. */
  private static final class Reader {
    private final Path file;
    private final long size;
    private final long dataBegin;
    private final List<SafetensorsEntry> entries = new ArrayList<>();
    private final Map<String, String> metadata = new LinkedHashMap<>();

    Reader(Path file, long size, long dataBegin) {
      this.file = file;
      this.size = size;
      this.dataBegin = dataBegin;
    }

    SafetensorsHeader read(byte[] text) throws IOException {
      String name = null;
      try (JsonParser parser = MAPPER.createParser(text)) {
        parser.nextToken();
        while (parser.nextToken() == JsonToken.FIELD_NAME) {
          name = parser.currentName();
          parser.nextToken();
          JsonNode value = parser.readValueAsTree();
          if (name.equals(METADATA)) {
            readMetadata(value);
          } else {
            entries.add(entry(name, value));
          }
        }
        if (parser.nextToken() != null) {
          throw bad(file, "expected nothing behind the JSON object of the header, got more");
        }
      } catch (JsonProcessingException e) {
        throw bad(
            file,
            String.format(
                "expected a header of JSON text with each name once, got %s at offset %d%s",
                e.getOriginalMessage().lines().findFirst().orElse("none"),
                LENGTH_BYTES + (e.getLocation() == null ? 0 : e.getLocation().getByteOffset()),
                name == null ? "" : ", in or behind tensor '" + name + "'"));
      }
      checkLayout();
      return new SafetensorsHeader(List.copyOf(entries), metadata);
    }

    private void readMetadata(JsonNode value) {
      if (!value.isObject()) {
        throw bad(file, "expected strings in " + METADATA + ", got " + value.getNodeType());
      }
      value.properties().forEach(p -> metadata.put(p.getKey(), p.getValue().asText()));
    }

    private SafetensorsEntry entry(String name, JsonNode value) {
      JsonNode dtype = value.path("dtype");
      JsonNode shape = value.path("shape");
      JsonNode offsets = value.path("data_offsets");
      if (!dtype.isTextual() || !isNumbers(shape) || !isNumbers(offsets) || offsets.size() != 2) {
        throw bad(name, "expected dtype, shape and two data_offsets", value.toString());
      }
      Integer bits = SafetensorsTypes.bits(dtype.textValue());
      if (bits == null) {
        throw bad(name, "expected a dtype of " + SafetensorsTypes.names(), dtype.textValue());
      }
      long begin = offsets.get(0).longValue();
      long end = offsets.get(1).longValue();
      if (end < begin || end > size - dataBegin) {
        throw bad(
            name,
            String.format(
                "expected bytes %d to %d within the %d bytes of data that begin at offset %d",
                begin, end, size - dataBegin, dataBegin),
            "a file of " + size + " bytes");
      }
      long[] extents = new long[shape.size()];
      for (int i = 0; i < extents.length; i++) {
        extents[i] = shape.get(i).longValue();
      }
      long needed = needed(name, extents, bits);
      if (end - begin != needed) {
        throw bad(
            name,
            String.format("expected %d bytes for %s %s", needed, dtype.textValue(), shape),
            String.format("%d at offset %d", end - begin, dataBegin + begin));
      }
      return new SafetensorsEntry(
          name, dtype.textValue(), extents, dataBegin + begin, dataBegin + end);
    }

    private long needed(String name, long[] shape, int bits) {
      long total = bits;
      try {
        for (long extent : shape) {
          total = Math.multiplyExact(total, extent);
        }
      } catch (ArithmeticException e) {
        throw bad(
            name, "expected a shape of less than 2^63 bits", java.util.Arrays.toString(shape));
      }
      if (total % Byte.SIZE != 0) {
        throw bad(name, "expected a shape of whole bytes", total + " bits");
      }
      return total / Byte.SIZE;
    }

    /** The bytes of the tensors follow each other: no holes, nothing twice. */
    private void checkLayout() {
      entries.sort(
          Comparator.comparingLong(SafetensorsEntry::begin)
              .thenComparingLong(SafetensorsEntry::end));
      long at = dataBegin;
      for (SafetensorsEntry entry : entries) {
        if (entry.begin() != at) {
          throw bad(
              entry.name(),
              "expected its bytes to begin at offset " + at + ", where those before it end",
              String.valueOf(entry.begin()));
        }
        at = entry.end();
      }
      if (at != size) {
        throw bad(
            file,
            "expected the end of the file at offset "
                + at
                + ", where the last tensor ends, got "
                + (size - at)
                + " bytes more");
      }
    }

    private static boolean isNumbers(JsonNode array) {
      if (!array.isArray()) {
        return false;
      }
      for (JsonNode number : array) {
        if (!number.isIntegralNumber() || !number.canConvertToLong() || number.longValue() < 0) {
          return false;
        }
      }
      return true;
    }

    private FailureException bad(String tensor, String expected, String got) {
      return SafetensorsHeader.bad(file, "tensor '" + tensor + "': " + expected + ", got " + got);
    }

    private static FailureException bad(Path file, String message) {
      return SafetensorsHeader.bad(file, message);
    }
  }
}
