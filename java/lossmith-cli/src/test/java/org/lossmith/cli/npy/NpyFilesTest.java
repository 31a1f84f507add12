package org.lossmith.cli.npy;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.EnumSource.Mode;
import org.lossmith.DType;
import org.lossmith.Tensor;
import org.lossmith.cli.FailureException;
import org.lossmith.cli.LeakFreeTest;

class NpyFilesTest extends LeakFreeTest {
  @TempDir Path folder;

  @ParameterizedTest
  @EnumSource(value = DType.class, names = "BF16", mode = Mode.EXCLUDE)
  void readsWhatItWrote(DType dtype) {
    Path file = folder.resolve("a.npy");
    byte[] bytes = new byte[6 * dtype.bytes()];
    new Random(dtype.ordinal()).nextBytes(bytes);
    try (Tensor tensor = Tensor.zeros(dtype, 2, 3)) {
      tensor.asByteBuffer().put(bytes);
      NpyFiles.write(file, tensor);
    }
    try (Tensor read = NpyFiles.read(file)) {
      assertEquals(dtype, read.dtype());
      assertArrayEquals(new long[] {2, 3}, read.shape());
      assertArrayEquals(bytes, bytes(read));
    }
  }

  @Test
  void writesBfloat16AsExactF4() {
    Path file = folder.resolve("a.npy");
    float[] values = {1.0078125f, -2.5f, 3e38f};
    try (Tensor tensor = Tensor.of(DType.BF16, values, 3);
        Tensor exact = tensor.to(DType.F32)) {
      NpyFiles.write(file, tensor);
      try (Tensor read = NpyFiles.read(file)) {
        assertEquals(DType.F32, read.dtype());
        assertArrayEquals(exact.toFloatArray(), read.toFloatArray());
      }
    }
  }

  @Test
  void startsElementsAtAMultipleOf64Bytes() throws IOException {
    Path file = folder.resolve("a.npy");
    try (Tensor tensor = Tensor.of(new double[] {1, 2}, 2)) {
      NpyFiles.write(file, tensor);
    }
    byte[] bytes = Files.readAllBytes(file);
    assertEquals(0, (bytes.length - 16) % 64);
    String header = new String(bytes, 10, bytes.length - 26, StandardCharsets.US_ASCII);
    assertTrue(header.startsWith("{'descr': '<f8', 'fortran_order': False, 'shape': (2,)"), header);
    assertTrue(header.endsWith("\n"));
  }

  @Test
  void keepsScalarsAndEmptyArrays() throws IOException {
    byte[] element = bytes(ByteOrder.LITTLE_ENDIAN, 0.25);
    Path scalar =
        NpyBytes.write(folder.resolve("s.npy"), NpyBytes.dictionary("<f8", false), element);
    try (Tensor read = NpyFiles.read(scalar)) {
      assertEquals(0, read.rank());
      assertEquals(0.25, read.item());
    }
    Path empty =
        NpyBytes.write(
            folder.resolve("e.npy"), NpyBytes.dictionary("<f4", true, 0, 3), new byte[0]);
    try (Tensor read = NpyFiles.read(empty)) {
      assertArrayEquals(new long[] {0, 3}, read.shape());
      NpyFiles.write(empty, read);
    }
    try (Tensor read = NpyFiles.read(empty)) {
      assertArrayEquals(new long[] {0, 3}, read.shape());
    }
  }

  @Test
  void putsFortranOrderIntoCOrder() throws IOException {
    // a[i, j, k] = 100 i + 10 j + k of shape (2, 3, 2), the first index fastest.
    double[] stored = {0, 100, 10, 110, 20, 120, 1, 101, 11, 111, 21, 121};
    Path file =
        NpyBytes.write(
            folder.resolve("f.npy"),
            NpyBytes.dictionary("<f8", true, 2, 3, 2),
            bytes(ByteOrder.LITTLE_ENDIAN, stored));
    double[] expected = {0, 1, 10, 11, 20, 21, 100, 101, 110, 111, 120, 121};
    try (Tensor read = NpyFiles.read(file)) {
      assertArrayEquals(expected, read.toDoubleArray());
    }
  }

  @Test
  void readsBigEndianElements() throws IOException {
    for (boolean fortranOrder : new boolean[] {false, true}) {
      Path file =
          NpyBytes.write(
              folder.resolve("b.npy"),
              NpyBytes.dictionary(">f8", fortranOrder, 2, 2),
              bytes(ByteOrder.BIG_ENDIAN, 1, 2, 3, 4));
      double[] expected = fortranOrder ? new double[] {1, 3, 2, 4} : new double[] {1, 2, 3, 4};
      try (Tensor read = NpyFiles.read(file)) {
        assertArrayEquals(expected, read.toDoubleArray());
      }
    }
  }

  @Test
  void readsBoolAsU8() throws IOException {
    Path file =
        NpyBytes.write(
            folder.resolve("m.npy"), NpyBytes.dictionary("|b1", false, 3), new byte[] {0, 1, 0});
    try (Tensor read = NpyFiles.read(file)) {
      assertEquals(DType.U8, read.dtype());
      assertArrayEquals(new byte[] {0, 1, 0}, bytes(read));
    }
  }

  @Test
  void namesAMissingFile() {
    assertFails(folder.resolve("no.npy"), "no such file or directory");
  }

  @Test
  void namesATruncatedFile() throws IOException {
    Path file = NpyBytes.matrix(folder.resolve("t.npy"), new double[][] {{1, 2}, {3, 4}});
    byte[] whole = Files.readAllBytes(file);
    Files.write(file, Arrays.copyOf(whole, whole.length - 3));
    assertFails(file, "expected 160 bytes for shape [2, 2] of f64, got 157: the file is truncated");
    Files.write(file, Arrays.copyOf(whole, 40));
    assertFails(file, "got a truncated header");
    Files.write(file, new byte[0]);
    assertFails(file, "expected a .npy file, got a file of 0 bytes");
  }

  @Test
  void namesWhatIsNotNpy() throws IOException {
    Path file = Files.writeString(folder.resolve("x.npy"), "1.0,2.0,3.0\n");
    assertFails(file, "(bytes 93 4e 55 4d 50 59 at its start), got 31 2e 30 2c 32 2e");
    Files.writeString(file, "PK\3\4 and more");
    assertFails(file, "got a zip (.npz) file");
  }

  @Test
  void namesAnElementTypeThatIsNoNumber() throws IOException {
    for (String[] type :
        new String[][] {
          {"|O", "got Python objects (|O)"}, {"<c16", "got <c16"}, {"<U5", "got U"}, {"<i2", "i2"}
        }) {
      Path file =
          NpyBytes.write(
              folder.resolve("o.npy"), NpyBytes.dictionary(type[0], false, 1), new byte[32]);
      assertFails(file, type[1]);
    }
  }

  private static void assertFails(Path file, String reason) {
    FailureException e = assertThrows(FailureException.class, () -> NpyFiles.read(file));
    assertTrue(e.getMessage().startsWith(file + ": "), e.getMessage());
    assertTrue(e.getMessage().endsWith(reason), e.getMessage());
  }

  private static byte[] bytes(Tensor tensor) {
    byte[] bytes = new byte[(int) tensor.bytes()];
    tensor.asByteBuffer().get(bytes);
    return bytes;
  }

  private static byte[] bytes(ByteOrder order, double... values) {
    ByteBuffer buffer = ByteBuffer.allocate(Double.BYTES * values.length).order(order);
    for (double value : values) {
      buffer.putDouble(value);
    }
    return buffer.array();
  }
}
