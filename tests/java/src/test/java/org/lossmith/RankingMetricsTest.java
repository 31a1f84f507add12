package org.lossmith;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;

/** The metrics of a ranking, against numbers worked out by hand. */
class RankingMetricsTest {
  private static final double TIGHT = 1e-15;

  /** 1 / log2(3). */
  private static final double SECOND = 0.6309297535714575;

  // Row 0 has two of three right, row 1 has no truth, row 2 has graded truth, row 3 is right late.
  private static final long[] FOUND = {3, 0, 1, 1, 2, 3, 5, 9, 7, 4, 8, -1};

  private static LabelSets truth() {
    return LabelSets.of(
        Device.cpu(),
        new long[] {0, 2, 2, 5, 6},
        new long[] {3, 1, 7, 2, 5, 8},
        new float[] {1, 1, 2, 3, 1, 1});
  }

  private static RankingMetrics metrics() {
    try (LabelSets truth = truth()) {
      return RankingMetrics.of(FOUND, 3, truth);
    }
  }

  @Test
  void rowsWithoutTruthDoNotCount() {
    assertEquals(3, metrics().rows());
  }

  @Test
  void precision() {
    assertEquals(2.0 / 3, metrics().precision(1), TIGHT);
    assertEquals((0.5 + 0.5 + 0.5) / 3, metrics().precision(2), TIGHT);
    assertEquals((2.0 / 3 + 2.0 / 3 + 1.0 / 3) / 3, metrics().precision(3), TIGHT);
  }

  @Test
  void recall() {
    assertEquals((1.0 / 2 + 1.0 / 3 + 0) / 3, metrics().recall(1), TIGHT);
    assertEquals((1 + 2.0 / 3 + 1) / 3, metrics().recall(3), TIGHT);
  }

  @Test
  void ndcg() {
    assertEquals((1 + 1.0 / 3 + 0) / 3, metrics().ndcg(1), TIGHT);
    double first = (1 + 0.5) / (1 + SECOND);
    double graded = (1 + 2 * 0.5) / (3 + 2 * SECOND + 1 * 0.5);
    assertEquals((first + graded + SECOND) / 3, metrics().ndcg(3), TIGHT);
  }

  @Test
  void meanReciprocalRank() {
    assertEquals((1 + 1 + 0.5) / 3, metrics().meanReciprocalRank(), TIGHT);
  }

  @Test
  void propensities() {
    Propensities p = Propensities.of(new long[] {0, 3, 50}, 100);
    assertEquals(3, p.labels());
    assertEquals(0.17317032497262708, p.of(0), TIGHT);
    assertEquals(0.27706116767505784, p.of(1), TIGHT);
    assertEquals(0.5942447469917033, p.of(2), TIGHT);
  }

  @Test
  void propensityScoredPrecision() {
    // Two rows: the common label 2 found instead of the rare 0, then label 1 found first.
    Propensities p = Propensities.of(new long[] {0, 3, 50}, 100);
    double rare = 5.774661450557821;
    double middle = 3.60931128815864;
    double common = 1.682808312673165;
    try (LabelSets truth = LabelSets.of(Device.cpu(), new long[] {0, 2, 3}, new int[] {0, 2, 1})) {
      RankingMetrics metrics = RankingMetrics.of(new long[] {2, 1, 1, 0}, 2, truth);
      assertEquals(
          (common + middle) / (rare + middle), metrics.propensityScoredPrecision(1, p), 1e-14);
      assertEquals(
          (common + middle) / (rare + common + middle),
          metrics.propensityScoredPrecision(2, p),
          1e-14);
    }
  }

  @Test
  void frequenciesCountRows() {
    try (LabelSets sets =
        LabelSets.of(
            Device.cpu(),
            new long[] {0, 3, 4, 6},
            new long[] {2, 0, 2, 2, 1, 2},
            new float[] {1, 1, 1, 1, 1, 0})) {
      assertArrayEquals(new long[] {1, 1, 2, 0}, Propensities.frequencies(sets, 4));
      assertEquals(
          Propensities.of(new long[] {1, 1, 2}, 3).of(2), Propensities.of(sets, 3).of(2), 0);
      rejects("sets: expected labels below 2, got 2", () -> Propensities.frequencies(sets, 2));
    }
  }

  @Test
  void perfectRankingsScoreOne() {
    Propensities p = Propensities.of(new long[10], 10);
    try (LabelSets truth = truth()) {
      long[] found = {1, 3, -1, 0, 0, 0, 2, 7, 5, 8, -1, -1};
      RankingMetrics metrics = RankingMetrics.of(found, 3, truth);
      assertEquals(1, metrics.ndcg(3), TIGHT);
      assertEquals(1, metrics.recall(3), TIGHT);
      assertEquals(1, metrics.propensityScoredPrecision(3, p), TIGHT);
      assertEquals(1, metrics.meanReciprocalRank(), TIGHT);
    }
  }

  @Test
  void whatIsGivenTwiceCountsOnce() {
    try (LabelSets truth =
        LabelSets.of(
            Device.cpu(), new long[] {0, 4}, new int[] {6, 6, 1, 1}, new float[] {2, 9, 0, 5})) {
      RankingMetrics metrics = RankingMetrics.of(new long[] {6, 6, 1}, 3, truth);
      assertEquals(1.0 / 3, metrics.precision(3), TIGHT);
      assertEquals(1, metrics.recall(1), TIGHT);
      assertEquals(1, metrics.ndcg(3), TIGHT);
    }
  }

  @Test
  void nothingToCountIsNaN() {
    Propensities p = Propensities.of(new long[1], 3);
    try (LabelSets truth = LabelSets.of(Device.cpu(), new long[] {0, 0}, new int[0])) {
      RankingMetrics metrics = RankingMetrics.of(new long[] {0}, 1, truth);
      assertEquals(0, metrics.rows());
      assertTrue(Double.isNaN(metrics.precision(1)));
      assertTrue(Double.isNaN(metrics.propensityScoredPrecision(1, p)));
      assertTrue(Double.isNaN(metrics.meanReciprocalRank()));
    }
  }

  @Test
  void refuseWhatDoesNotFit() {
    RankingMetrics metrics = metrics();
    rejects("k: expected 1 to 3, got 0", () -> metrics.precision(0));
    rejects("k: expected 1 to 3, got 4", () -> metrics.ndcg(4));
    Propensities few = Propensities.of(new long[] {1, 1}, 10);
    rejects("label: expected 0 to 1, got 3", () -> metrics.propensityScoredPrecision(1, few));
    rejects("rows: expected at least 3, got 2", () -> Propensities.of(new long[1], 2));
    rejects(
        "frequencies[1]: expected a count >= 0, got -1",
        () -> Propensities.of(new long[] {0, -1}, 10));
    try (LabelSets truth = truth()) {
      rejects(
          "found: expected 3 labels for each of 4 rows, got 11",
          () -> RankingMetrics.of(new long[11], 3, truth));
      rejects("perRow: expected a value >= 1, got 0", () -> RankingMetrics.of(FOUND, 0, truth));
    }
  }

  private static void rejects(String expected, org.junit.jupiter.api.function.Executable call) {
    assertEquals(expected, assertThrows(IllegalArgumentException.class, call).getMessage());
  }
}
