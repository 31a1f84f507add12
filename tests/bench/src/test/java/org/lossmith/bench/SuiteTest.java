package org.lossmith.bench;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** The suites and the choice of rows. */
class SuiteTest {
  @ParameterizedTest
  @EnumSource(Suite.class)
  void namesOfRowsAreUnique(Suite suite) {
    for (boolean quick : new boolean[] {false, true}) {
      List<String> names = suite.rows(quick).stream().map(Row::name).toList();
      assertEquals(names.size(), new HashSet<>(names).size(), names::toString);
    }
  }

  @Test
  void suitesWriteFilesOfTheirOwn() {
    assertNotEquals(Suite.CONTRASTIVE.files(), Suite.LABELS.files());
    assertNotEquals(Suite.LABELS.files(), Suite.QUANTIZATION.files());
  }

  /** Whatever is asked for, losses are checked first; rows of quantization check for themselves. */
  @ParameterizedTest
  @EnumSource(names = {"CONTRASTIVE", "LABELS"})
  void checksAlwaysTakePart(Suite suite) {
    List<Row> rows = suite.select(false, Set.of("native"));
    assertEquals(2, rows.size());
    assertTrue(rows.get(0).always());
    assertEquals("native", rows.get(1).name());
  }

  @Test
  void aNameThatNoRowHasIsRefused() {
    assertThrows(IllegalArgumentException.class, () -> Suite.LABELS.select(true, Set.of("pareto")));
  }
}
