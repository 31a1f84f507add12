package org.lossmith;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;

/** Sets of labels: what they hold, and what they refuse. */
class LabelSetsTest {
  private static final Device CPU = Device.cpu();

  @Test
  void holdWhatTheyWereGiven() {
    try (LabelSets sets =
        LabelSets.of(
            CPU, new long[] {0, 2, 2, 3}, new long[] {4, 17, 9}, new float[] {1, 0.5f, 0})) {
      assertEquals(3, sets.rows());
      assertEquals(3, sets.entries());
      assertEquals(CPU, sets.device());
      assertArrayEquals(new long[] {0, 2, 2, 3}, Integers.of(sets.offsets()));
      assertArrayEquals(new long[] {4, 17, 9}, Integers.of(sets.ids()));
      assertArrayEquals(new float[] {1, 0.5f, 0}, sets.values().orElseThrow().toFloatArray());
      assertEquals("LabelSets[3 rows, 3 ids, cpu]", sets.toString());
    }
  }

  @Test
  void narrowLabelsStayNarrow() {
    try (LabelSets sets = LabelSets.of(CPU, new long[] {0, 1}, new int[] {7})) {
      assertEquals(DType.I32, sets.ids().dtype());
      assertArrayEquals(new long[] {7}, Integers.of(sets.ids()));
      assertTrue(sets.values().isEmpty());
    }
  }

  @Test
  void mayBeEmpty() {
    try (LabelSets none = LabelSets.of(CPU, new long[] {0}, new long[0])) {
      assertEquals(0, none.rows());
    }
    try (LabelSets rows = LabelSets.of(CPU, new long[] {0, 0, 0}, new int[0], new float[0])) {
      assertEquals(2, rows.rows());
      assertEquals(0, rows.entries());
    }
  }

  @Test
  void closeTheirTensors() {
    LabelSets sets = LabelSets.of(CPU, new long[] {0, 1}, new long[] {7}, new float[] {1});
    sets.close();
    sets.close();
    assertTrue(sets.isClosed());
    assertTrue(sets.ids().isClosed());
    assertTrue(sets.values().orElseThrow().isClosed());
  }

  @Test
  void refuseWhatDoesNotFit() {
    rejects("offsets: expected one more than there are rows, got none", new long[0], 1);
    rejects("offsets[0]: expected 0, got 1", new long[] {1, 1}, 1);
    rejects("offsets[2]: expected at least 1, got 0", new long[] {0, 1, 0}, 1);
    rejects("offsets[1]: expected the number of ids, 1, got 2", new long[] {0, 2}, 1);
    rejects("ids[1]: expected a label >= 0, got -3", new long[] {0, 2}, 1, -3);
    message(
        "values: expected one for each of 1, got 2",
        () -> LabelSets.of(CPU, new long[] {0, 1}, new int[] {1}, new float[2]));
    message(
        "values[0]: expected a finite value >= 0, got NaN",
        () -> LabelSets.of(CPU, new long[] {0, 1}, new long[] {1}, new float[] {Float.NaN}));
    message(
        "ids[0]: expected a label >= 0, got -1",
        () -> LabelSets.of(CPU, new long[] {0, 1}, new int[] {-1}));
    message("offsets: expected a value, got null", () -> LabelSets.of(CPU, null, new int[0]));
    message(
        "device: expected a value, got null", () -> LabelSets.of(null, new long[1], new long[0]));
  }

  private static void rejects(String expected, long[] offsets, long... ids) {
    message(expected, () -> LabelSets.of(CPU, offsets, ids));
  }

  private static void message(String expected, org.junit.jupiter.api.function.Executable call) {
    assertEquals(expected, assertThrows(IllegalArgumentException.class, call).getMessage());
  }
}
