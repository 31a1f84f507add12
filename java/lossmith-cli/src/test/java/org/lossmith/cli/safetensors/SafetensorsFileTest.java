package org.lossmith.cli.safetensors;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.lossmith.Tensor;
import org.lossmith.cli.FailureException;
import org.lossmith.cli.LeakFreeTest;
import org.lossmith.cli.safetensors.SafetensorsWriter.Slot;

/** Reading and writing files of safetensors, and every way in which they can be damaged. */
class SafetensorsFileTest extends LeakFreeTest {
  @TempDir Path folder;

  @Test
  void readsTensorsAndMetadata() throws IOException {
    Path path =
        new SafetensorsBytes()
            .member("\"__metadata__\":{\"format\":\"pt\"}")
            .floats("w", "[2,3]", 1, 2, 3, 4, 5, 6)
            .halves("h", "[2]", 0.5f, -2)
            .floats("one", "[]", 7)
            .floats("none", "[0,4]")
            .write(folder.resolve("m.safetensors"));
    try (SafetensorsFile file = SafetensorsFile.open(path)) {
      assertEquals(Map.of("format", "pt"), file.metadata());
      assertEquals(4, file.entries().size());
      assertArrayEquals(new float[] {1, 2, 3, 4, 5, 6}, floats(file, "w"));
      assertArrayEquals(new float[] {0.5f, -2}, floats(file, "h"));
      assertArrayEquals(new float[] {7}, floats(file, "one"));
      assertArrayEquals(new float[0], floats(file, "none"));
    }
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '"',
      textBlock =
          """
          [1]                                                   | '{' at offset 8, got byte 0x5b
          {"w":3}                                               | tensor 'w': expected dtype, shape
          {"w":{"dtype":"F32"                                    | header of JSON text
          {"w":{"dtype":"F33","shape":[2],"data_offsets":[0,8]}} | tensor 'w': expected a dtype of
          {"w":{"dtype":"F32","shape":[2],"data_offsets":[0,9]}} | tensor 'w': expected bytes 0 to 9
          {"w":{"dtype":"F32","shape":[3],"data_offsets":[0,8]}} | tensor 'w': expected 12 bytes for F32 [3], got 8 at offset 62
          {"w":{"dtype":"F32","shape":[-2],"data_offsets":[0,8]}} | tensor 'w': expected dtype, shape
          {"w":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}} | tensor 'w': expected its bytes to begin at offset 62
          {"w":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}} | expected the end of the file at offset 66
          {"w":{"dtype":"F32","shape":[2],"data_offsets":[8,0]}} | tensor 'w': expected bytes 8 to 0
          {"w":{"dtype":"F64","shape":[4294967296,4294967296],"data_offsets":[0,8]}} | tensor 'w': expected a shape
          {"w":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"v":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}} | tensor 'v': expected its bytes to begin at offset
          {"w":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"w":{"dtype":"F32","shape":[0],"data_offsets":[8,8]}} | Duplicate
          {"w":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}} x | expected
          {"w":{"dtype":"F4","shape":[1],"data_offsets":[0,1]}} | tensor 'w': expected a shape of whole bytes
          """)
  void aBadHeaderIsToldWithTensorAndOffset(String header, String message) throws IOException {
    Path path = SafetensorsBytes.write(folder.resolve("m.safetensors"), header, new byte[8]);
    FailureException e =
        assertThrows(FailureException.class, () -> SafetensorsFile.open(path).close());
    assertTrue(e.getMessage().startsWith(path + ": "), e.getMessage());
    assertTrue(e.getMessage().contains(message), e.getMessage());
  }

  @Test
  void aFileCutAnywhereIsRefused() throws IOException {
    Path whole =
        new SafetensorsBytes().floats("w", "[2]", 1, 2).write(folder.resolve("m.safetensors"));
    byte[] bytes = Files.readAllBytes(whole);
    for (int length = 0; length < bytes.length; length++) {
      Path cut = folder.resolve("cut.safetensors");
      Files.write(cut, java.util.Arrays.copyOf(bytes, length));
      assertThrows(FailureException.class, () -> SafetensorsFile.open(cut).close());
    }
  }

  @Test
  void aHeaderLongerThanTheFileIsRefusedBeforeItIsRead() throws IOException {
    byte[] bytes = ByteBuffer.allocate(16).order(ByteOrder.LITTLE_ENDIAN).putLong(1L << 60).array();
    Path path = Files.write(folder.resolve("m.safetensors"), bytes);
    FailureException e = assertThrows(FailureException.class, () -> SafetensorsFile.open(path));
    assertTrue(e.getMessage().contains("length of a header at offset 0, at most 8"), e.toString());
  }

  @Test
  void tensorsBehindTwoGibibytesAreFound() throws IOException {
    // A sparse file: only its header and the last tensor take room on the disk.
    long large = (1L << 31) + 8;
    String header =
        String.format(
            "{\"a\":{\"dtype\":\"U8\",\"shape\":[%d],\"data_offsets\":[0,%d]},"
                + "\"b\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[%d,%d]}}",
            large, large, large, large + 8);
    Path path = SafetensorsBytes.write(folder.resolve("m.safetensors"), header, new byte[0]);
    ByteBuffer last = ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN);
    last.putFloat(3).putFloat(4).flip();
    try (FileChannel channel = FileChannel.open(path, StandardOpenOption.WRITE)) {
      channel.write(last, 8 + header.length() + large);
    }
    try (SafetensorsFile file = SafetensorsFile.open(path)) {
      assertArrayEquals(new float[] {3, 4}, floats(file, "b"));
    }
  }

  @Test
  void writesWhatItReads() throws IOException {
    Path path = folder.resolve("out.safetensors");
    List<Slot> slots =
        List.of(
            new Slot("codes", "U8", new long[] {3}, 3),
            new Slot("scale", "F32", new long[] {2}, 8),
            new Slot("empty", "F32", new long[] {0}, 0));
    try (SafetensorsWriter writer = SafetensorsWriter.create(path, slots, Map.of("a", "b"))) {
      writer.write("codes", 1, ByteBuffer.wrap(new byte[] {8, 9}));
      writer.write("codes", 0, ByteBuffer.wrap(new byte[] {7}));
      writer.write("scale", 0, ByteBuffer.wrap(new byte[] {0, 0, (byte) 0x80, 0x3f, 0, 0, 0, 0}));
      assertFalse(Files.exists(path), "a file before it is whole");
      writer.commit();
    }
    assertEquals(List.of(path), Files.list(folder).toList());
    try (SafetensorsFile file = SafetensorsFile.open(path)) {
      assertEquals(Map.of("a", "b"), file.metadata());
      assertArrayEquals(new float[] {1, 0}, floats(file, "scale"));
      SafetensorsEntry scale = entry(file, "scale");
      assertEquals(0, scale.begin() % 8, "alignment");
      ByteBuffer codes = ByteBuffer.allocate(3);
      file.read(entry(file, "codes"), 0, codes);
      assertArrayEquals(new byte[] {7, 8, 9}, codes.array());
    }
  }

  @Test
  void aFileThatLacksBytesIsNotCommitted() throws IOException {
    Path path = folder.resolve("out.safetensors");
    Files.writeString(path, "before");
    List<Slot> slots = List.of(new Slot("w", "U8", new long[] {3}, 3));
    try (SafetensorsWriter writer = SafetensorsWriter.create(path, slots, Map.of())) {
      writer.write("w", 0, ByteBuffer.wrap(new byte[2]));
      assertThrows(IllegalStateException.class, writer::commit);
    }
    assertEquals("before", Files.readString(path));
    assertEquals(List.of(path), Files.list(folder).toList());
  }

  @Test
  void shardsAreFoundByTheirIndex() throws IOException {
    shards();
    try (SafetensorsModel model = SafetensorsModel.open(index("\"a\":\"1.st\",\"b\":\"2.st\""))) {
      assertEquals(List.of("a", "b"), model.parts().stream().map(p -> p.entry().name()).toList());
    }
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '"',
      textBlock =
          """
          'a':'1.st','b':'3.st'            | 3.st, which has tensor 'b', got no such file
          'a':'1.st'                       | no error
          'a':'1.st','b':'2.st','c':'2.st' | expected tensor 'c'
          'b':'1.st'                       | tensor 'a' at offset
          """)
  void anIndexThatDisagreesWithItsShardsIsRefused(String map, String message) throws IOException {
    shards();
    Path index = index(map.replace('\'', '"'));
    if (message.equals("no error")) {
      SafetensorsModel.open(index).close();
      return;
    }
    FailureException e = assertThrows(FailureException.class, () -> SafetensorsModel.open(index));
    assertTrue(e.getMessage().contains(message), e.getMessage());
  }

  private void shards() throws IOException {
    new SafetensorsBytes().floats("a", "[1]", 1).write(folder.resolve("1.st"));
    new SafetensorsBytes().floats("b", "[1]", 2).write(folder.resolve("2.st"));
  }

  private Path index(String map) throws IOException {
    return Files.writeString(
        folder.resolve("m.safetensors.index.json"), "{\"weight_map\":{" + map + "}}");
  }

  private static SafetensorsEntry entry(SafetensorsFile file, String name) {
    return file.entries().stream().filter(e -> e.name().equals(name)).findFirst().orElseThrow();
  }

  private static float[] floats(SafetensorsFile file, String name) {
    try (Tensor tensor = file.tensor(entry(file, name))) {
      return tensor.toFloatArray();
    }
  }
}
