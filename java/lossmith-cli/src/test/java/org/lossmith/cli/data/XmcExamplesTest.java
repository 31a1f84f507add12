package org.lossmith.cli.data;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.lossmith.Device;
import org.lossmith.LabelSets;
import org.lossmith.cli.FailureException;
import org.lossmith.cli.LeakFreeTest;
import org.lossmith.data.XmcHeader;
import org.lossmith.data.XmcRow;
import org.lossmith.data.XmcWriter;

class XmcExamplesTest extends LeakFreeTest {
  @TempDir Path folder;

  @Test
  void readsRowsOfUnitLength() throws IOException {
    Path file = write("3 9 5\n4,0 0:3 8:4\n 2:0\n1\n");
    Examples examples = XmcExamples.read("--train", file, null);
    assertEquals(3, examples.rows());
    assertEquals(5, examples.labelCount());
    assertArrayEquals(new int[] {0, 2, 2, 3}, examples.offsets());
    assertArrayEquals(new int[] {4, 0, 1}, examples.labels());
    assertArrayEquals(new int[] {4, 0}, examples.labels(0));
    assertArrayEquals(new int[] {0, 2, 3, 3}, examples.features().starts());
    assertArrayEquals(new int[] {0, 8, 2}, examples.features().slots());
    // A row of zeros stays one.
    assertArrayEquals(new float[] {0.6f, 0.8f, 0}, examples.features().values());
    assertEquals(9, examples.features().buckets());
    assertArrayEquals(new long[] {1, 1, 0, 0, 1}, examples.frequencies());
    try (LabelSets sets = examples.sets(Device.cpu(), new int[] {2, 1, 0})) {
      assertEquals(3, sets.rows());
      assertEquals(3, sets.entries());
      assertEquals(4, sets.ids().asByteBuffer().order(ByteOrder.nativeOrder()).getInt(4));
    }
  }

  @Test
  void growsAsTheFileGoesOn() throws IOException {
    Path file = folder.resolve("long.txt");
    int points = 5000;
    Random random = new Random(1);
    long[][] features = new long[points][];
    try (XmcWriter writer = XmcWriter.open(file, new XmcHeader(points, 100, points))) {
      for (int i = 0; i < points; i++) {
        features[i] = random.longs(0, 100).distinct().limit(random.nextInt(20)).toArray();
        float[] ones = new float[features[i].length];
        Arrays.fill(ones, 1);
        writer.write(new XmcRow(new long[] {i}, features[i], ones));
      }
    }
    Examples examples = XmcExamples.read("--train", file, null);
    for (int i = 0; i < points; i++) {
      assertArrayEquals(new int[] {i}, examples.labels(i));
      int begin = examples.features().starts()[i];
      assertEquals(begin + features[i].length, examples.features().starts()[i + 1]);
      for (int k = 0; k < features[i].length; k++) {
        assertEquals(features[i][k], examples.features().slots()[begin + k]);
        assertEquals(
            1 / Math.sqrt(features[i].length), examples.features().values()[begin + k], 1e-6);
      }
    }
  }

  @Test
  void aFingerprintTellsExamplesApart() throws IOException {
    long first = XmcExamples.read("--train", write("2 9 5\n4 0:3\n1 8:1\n"), null).fingerprint();
    assertEquals(
        first, XmcExamples.read("--train", write("2 9 5\n4 0:3\n1 8:1\n"), null).fingerprint());
    for (String other :
        new String[] {
          "2 9 5\n4 1:3\n1 8:1\n",
          "2 9 5\n3 0:3\n1 8:1\n",
          "2 9 6\n4 0:3\n1 8:1\n",
          "2 9 5\n4,1 0:3\n 8:1\n",
          "2 9 5\n4 0:-3\n1 8:1\n"
        }) {
      assertNotEquals(first, XmcExamples.read("--train", write(other), null).fingerprint(), other);
    }
  }

  @Test
  void aHeaderThatPromisesTooMuchIsNoMemory() throws IOException {
    Path file = write("2000000000 9 5\n1 0:1\n");
    FailureException e =
        assertThrows(FailureException.class, () -> XmcExamples.read("--train", file, null));
    assertTrue(
        e.getMessage().endsWith(":3:1: expected 2000000000 rows as the header says, got 1"),
        e.getMessage());
  }

  private Path write(String text) throws IOException {
    return Files.writeString(folder.resolve("points.txt"), text);
  }
}
