package org.lossmith.bench.labels;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.lossmith.bench.provider.Agreement;
import org.lossmith.bench.provider.ElementType;
import org.lossmith.bench.provider.Provider;

/** The oracle of the losses over labels, and the PyTorch compositions against it. */
class LabelOracleTest {
  private static final LabelProblem PROBLEM = new LabelProblem(33, 301, 17, 7);

  /** S, positives and results from an independent script. */
  @Test
  void oracleGivesTheGoldenValues() {
    double[][] scores = {{2, 0.5, -1, 1, 0}, {-0.5, 1.5, 0.3, 2.2, -2}};
    boolean[][] positives = {{true, false, false, true, false}, {false, true, false, false, false}};
    double loss = 0;
    double[] slope = new double[5];
    for (int i = 0; i < 2; i++) {
      loss += LabelOracle.decoupled(scores[i], positives[i], slope) / 2;
    }
    assertEquals(0.89581426107695, loss, 1e-13);
    assertEquals(-0.3563416369, slope[1] / 2, 1e-9);
    assertEquals(0.2892924176, slope[3] / 2, 1e-9);
  }

  @ParameterizedTest
  @EnumSource(LabelKind.class)
  void theCompositionAgreesWithTheOracle(LabelKind kind) {
    try (Provider oracle = new LabelOracle(kind, PROBLEM);
        Provider provider = LabelSpec.pytorch(kind).open(PROBLEM, 1)) {
      oracle.run();
      // Twice: compositions work in place, which must not spoil what the next call reads.
      provider.run();
      provider.run();
      Agreement agreement = Agreement.of(kind.id(), provider, "oracle", oracle, ElementType.F32);
      assertTrue(agreement.agrees(), agreement::toString);
    }
  }

  /** A check that cannot fail would be none. */
  @ParameterizedTest
  @EnumSource(LabelKind.class)
  void lossesDiffer(LabelKind kind) {
    try (Provider oracle = new LabelOracle(kind, PROBLEM)) {
      oracle.run();
      for (LabelKind other : LabelKind.values()) {
        try (Provider wrong = new LabelOracle(other, PROBLEM)) {
          wrong.run();
          boolean agrees =
              Agreement.of(other.id(), wrong, kind.id(), oracle, ElementType.F32).agrees();
          assertEquals(kind == other, agrees);
        }
      }
    }
  }

  /** Tiles are counted as the filter's documentation describes them. */
  @Test
  void flatScoresAreSkippedUnlessATargetIsInTheTile() {
    int labels = 2048;
    float[] zero = new float[labels];
    float[] x = new float[97];
    long[] target = new long[97];
    target[96] = 600;
    // Rows 0 to 95 keep the first tile of columns, row 96 the second one of its own tile of rows.
    double share = FilterTiles.skipped(x, target, zero, 1, 1, 1e-3);
    assertEquals(6.0 / 8, share, 1e-12);
    assertFalse(FilterTiles.skipped(x, target, zero, 1, 1, 1e-4) > 0);
  }
}
