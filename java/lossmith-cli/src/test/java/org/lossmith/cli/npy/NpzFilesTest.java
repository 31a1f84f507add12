package org.lossmith.cli.npy;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.lossmith.Device;
import org.lossmith.LabelSets;
import org.lossmith.cli.FailureException;
import org.lossmith.cli.LeakFreeTest;

class NpzFilesTest extends LeakFreeTest {
  @TempDir Path folder;

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void readsStoredAndDeflatedMatrices(boolean deflate) throws IOException {
    Path file = NpzBytes.matrix().write(folder.resolve("p.npz"), deflate);
    assertMatrix(NpzFiles.matrix(file));
    try (LabelSets sets = NpzFiles.labelSets(file, Device.cpu())) {
      assertEquals(3, sets.rows());
      assertEquals(3, sets.entries());
      assertArrayEquals(new float[] {0.5f, 2, 1}, sets.values().orElseThrow().toFloatArray());
    }
  }

  @Test
  void readsWideIndicesAndOtherValues() throws IOException {
    Path file =
        NpzBytes.matrix()
            .put("indices", "<i8", NpzBytes.longs(1, 3, 0), 3)
            .put("indptr", "<i8", NpzBytes.longs(0, 2, 2, 3), 4)
            .write(folder.resolve("p.npz"), true);
    assertMatrix(NpzFiles.matrix(file));

    double[] doubles = {0.5, 2, 1};
    ByteBuffer bigEndian = ByteBuffer.allocate(24);
    Arrays.stream(doubles).forEach(bigEndian::putDouble);
    assertMatrix(
        NpzFiles.matrix(
            NpzBytes.matrix().put("data", ">f8", bigEndian.array(), 3).write(file, true)));

    for (String type : new String[] {"|b1", "|i1", "|u1"}) {
      NpzBytes npz = NpzBytes.matrix().put("data", type, new byte[] {1, 0, 1}, 3);
      float[] data = NpzFiles.matrix(npz.write(file, true)).data();
      assertArrayEquals(new float[] {1, 0, 1}, data, type);
    }
    NpzBytes npz = NpzBytes.matrix().put("data", "<i8", NpzBytes.longs(7, 0, 1L << 40), 3);
    assertArrayEquals(new float[] {7, 0, 1L << 40}, NpzFiles.matrix(npz.write(file, true)).data());
  }

  @Test
  void readsTheFormatAsUnicodeOfOldSciPy() throws IOException {
    byte[] wide = {'c', 0, 0, 0, 's', 0, 0, 0, 'r', 0, 0, 0};
    NpzBytes npz = NpzBytes.matrix().put("format", "<U3", wide);
    assertMatrix(NpzFiles.matrix(npz.write(folder.resolve("p.npz"), false)));
  }

  @Test
  void readsMoreThanABuffer() throws IOException {
    int rows = 30_000;
    int[] indptr = new int[rows + 1];
    int[] indices = new int[rows];
    float[] data = new float[rows];
    Random random = new Random(1);
    for (int i = 0; i < rows; i++) {
      indptr[i + 1] = i + 1;
      indices[i] = random.nextInt(1000);
      data[i] = random.nextFloat();
    }
    Path file =
        NpzBytes.matrix()
            .put("indptr", "<i4", NpzBytes.ints(indptr), rows + 1)
            .put("indices", "<i4", NpzBytes.ints(indices), rows)
            .put("data", "<f4", NpzBytes.floats(data), rows)
            .put("shape", "<i4", NpzBytes.ints(rows, 1000), 2)
            .write(folder.resolve("p.npz"), true);
    CsrMatrix matrix = NpzFiles.matrix(file);
    assertArrayEquals(indices, matrix.indices());
    assertArrayEquals(data, matrix.data());
  }

  @Test
  void namesWhatDoesNotFit() throws IOException {
    assertFails(NpzBytes.matrix().without("indptr"), "got no indptr");
    assertFails(
        text("format", "csc"), "format: expected csr, got csc; the method tocsr() converts");
    assertFails(
        NpzBytes.matrix().put("shape", "<i8", NpzBytes.longs(4, 4), 2),
        "indptr: expected 5 numbers for 4 rows, got 4");
    assertFails(
        NpzBytes.matrix().put("shape", "<i8", NpzBytes.longs(3, 3), 2),
        "indices[1]: expected a column from 0 to 2, got 3");
    assertFails(
        NpzBytes.matrix().put("indices", "<i4", NpzBytes.ints(1, -3, 0), 3),
        "indices[1]: expected a column from 0 to 3, got -3");
    assertFails(
        NpzBytes.matrix().put("indptr", "<i4", NpzBytes.ints(0, 2, 1, 3), 4),
        "indptr[2]: expected at least 2, got 1");
    assertFails(
        NpzBytes.matrix().put("indptr", "<i4", NpzBytes.ints(1, 2, 2, 3), 4),
        "indptr[0]: expected 0, got 1");
    assertFails(
        NpzBytes.matrix().put("indptr", "<i4", NpzBytes.ints(0, 2, 2, 9), 4),
        "indptr[3]: expected the length of indices, 3, got 9");
    assertFails(
        NpzBytes.matrix().put("data", "<f4", NpzBytes.floats(1, Float.NaN, 1), 3),
        "data[1]: expected a finite relevance of at least 0, got NaN");
    assertFails(
        NpzBytes.matrix().put("data", "<f4", NpzBytes.floats(1, -1, 1), 3),
        "data[1]: expected a finite relevance of at least 0, got -1.0");
    assertFails(
        NpzBytes.matrix().put("data", "<f4", NpzBytes.floats(1), 1),
        "data: expected 3 numbers as indices has, got 1");
    assertFails(
        NpzBytes.matrix().put("indices", "<f4", NpzBytes.floats(1, 3, 0), 3),
        "indices: expected i4 or i8 elements, got f4");
    assertFails(
        NpzBytes.matrix().put("data", "<f4", NpzBytes.floats(1, 1, 1), 3, 1),
        "data: expected one dimension of up to 2^31 - 1 elements, got shape [3, 1]");
    assertFails(
        NpzBytes.matrix().put("data", "<f4", NpzBytes.floats(1, 1), 3),
        "data: expected 3 elements, got 2: the array is truncated");
    assertFails(
        NpzBytes.matrix().putRaw("data", "no array".getBytes(StandardCharsets.US_ASCII)),
        "data: expected a .npy header, got 'no arr'");
    assertFails(
        NpzBytes.matrix().put("data", "|O", new byte[24], 3),
        "data: expected a .npy header, got Python objects (|O)");
  }

  @Test
  void namesWhatIsNoNpz() throws IOException {
    assertFails(folder.resolve("no.npz"), "no such file or directory");
    assertFails(folder, "expected a .npz file, got a directory");
    Path file = Files.writeString(folder.resolve("x.npz"), "1,2\n");
    assertFails(file, "expected a .npz file (a zip of .npy files), got: ");
    byte[] whole = Files.readAllBytes(NpzBytes.matrix().write(file, true));
    for (int length = 0; length < whole.length; length += 37) {
      Files.write(file, Arrays.copyOf(whole, length));
      assertFails(file, file + ": ");
    }
  }

  private static void assertMatrix(CsrMatrix matrix) {
    assertEquals(3, matrix.rows());
    assertEquals(4, matrix.columns());
    assertArrayEquals(new long[] {0, 2, 2, 3}, matrix.indptr());
    assertArrayEquals(new int[] {1, 3, 0}, matrix.indices());
    assertArrayEquals(new float[] {0.5f, 2, 1}, matrix.data());
  }

  private static NpzBytes text(String array, String value) {
    byte[] bytes = value.getBytes(StandardCharsets.US_ASCII);
    return NpzBytes.matrix().put(array, "|S" + bytes.length, bytes);
  }

  private void assertFails(NpzBytes npz, String reason) throws IOException {
    assertFails(npz.write(folder.resolve("p.npz"), true), reason);
  }

  private static void assertFails(Path file, String reason) {
    FailureException e = assertThrows(FailureException.class, () -> NpzFiles.matrix(file));
    assertTrue(e.getMessage().startsWith(file + ": "), e.getMessage());
    assertTrue(e.getMessage().contains(reason), e.getMessage());
  }
}
