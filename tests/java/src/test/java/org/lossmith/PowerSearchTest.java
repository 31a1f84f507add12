package org.lossmith;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The search for exponents. */
class PowerSearchTest extends DeviceTest {
  private static final PowerQuantizer FOUR = PowerQuantizer.of(4);

  private Context context;

  @BeforeAll
  void open() {
    context = Context.of(device());
  }

  @AfterAll
  void close() {
    if (context != null) {
      context.close();
    }
  }

  @ParameterizedTest
  @ValueSource(doubles = {1, 2, 2.4})
  void errorsAreSumsOverElements(double norm) {
    double[] values = PowerOracle.widen(PowerOracle.normals(400, 1));
    double[] exponents = {0.2, 0.5, 0.73, 1, 1.3};
    double scale = PowerOracle.largest(values);
    try (Tensor w = there(Tensor.of(values, 20, 20));
        Tensor scales = FOUR.scales(context, w)) {
      double[] got = PowerSearch.of(FOUR).withNorm(norm).errors(context, w, scales, exponents);
      for (int i = 0; i < exponents.length; i++) {
        double expected = PowerOracle.error(values, scale, exponents[i], 4, norm);
        assertEquals(expected, got[i], 1e-9 * expected, "exponent " + exponents[i]);
      }
    }
  }

  /** The paper's point: heavy tails want small exponents, and uniform grids lose. */
  @ParameterizedTest
  @CsvSource({"false, 0.56, 0.72, 1.4", "true, 0.40, 0.56, 2.0"})
  void knownDistributions(boolean laplace, double lowest, double highest, double gain) {
    int count = times(100_000, 5_000);
    float[] values = laplace ? PowerOracle.laplace(count, 5) : PowerOracle.normals(count, 5);
    PowerSearch search = PowerSearch.of(FOUR);
    try (Tensor w = there(Tensor.of(values));
        PowerParameters best = search.search(context, w)) {
      double exponent = best.exponent().item();
      assertTrue(exponent > lowest && exponent < highest, "exponent " + exponent);
      double[] errors = search.errors(context, w, best.scale(), exponent, 1);
      assertTrue(errors[1] / errors[0] > gain, "gain " + errors[1] / errors[0]);
    }
  }

  @Test
  void theBestOfAllCandidatesIsKept() {
    float[] values = PowerOracle.normals(6 * 50, 2);
    PowerSearch search =
        PowerSearch.of(FOUR.withGroups(Groups.perChannel(0))).withGrid(23, 2).withClips(6, 0.05);
    try (Tensor w = there(Tensor.of(values, 6, 50));
        Tensor scale = search.quantizer().scales(context, w);
        Tensor exponent = Tensor.zeros(device(), DType.F32, 6);
        Tensor clipped = Tensor.zeros(device(), DType.F32, 6);
        Tensor error = Tensor.zeros(device(), DType.F64, 6);
        PowerParameters found = search.search(context, w)) {
      search.search(context, w, scale, null, exponent, clipped, error);
      assertArrayEquals(exponent.toFloatArray(), found.exponent().toFloatArray());
      assertArrayEquals(clipped.toFloatArray(), found.scale().toFloatArray());
      for (int row = 0; row < 6; row++) {
        double[] line = PowerOracle.widen(Arrays.copyOfRange(values, row * 50, row * 50 + 50));
        double best = error.toDoubleArray()[row];
        double s = clipped.toDoubleArray()[row];
        double a = exponent.toDoubleArray()[row];
        assertEquals(PowerOracle.error(line, s, a, 4, 2), best, 1e-4 * best, "row " + row);
        for (int i = 0; i < 23; i++) {
          for (int clip = 0; clip < 6; clip++) {
            double other =
                PowerOracle.error(
                    line, PowerOracle.largest(line) * (1 - 0.05 * clip), 0.1 + 1.1 * i / 22, 4, 2);
            assertTrue(best <= other * 1.0001, "row " + row + ": " + best + " > " + other);
          }
        }
      }
    }
  }

  @Test
  void groupsWithoutAnAnswer() {
    float[] values = {0, 0, Float.NaN, 1, 1, -1};
    try (Tensor w = there(Tensor.of(values, 3, 2));
        Tensor scale = there(Tensor.of(new float[] {0, 1, 1}));
        Tensor exponent = Tensor.zeros(device(), DType.F32, 3);
        Tensor error = Tensor.zeros(device(), DType.F64, 3)) {
      PowerSearch.of(FOUR.withGroups(Groups.perChannel(0)))
          .search(context, w, scale, null, exponent, null, error);
      float[] found = exponent.toFloatArray();
      assertEquals(1, found[0]);
      assertTrue(Float.isNaN(found[1]));
      // Every exponent reproduces the scale: the lowest comes first.
      assertEquals(0.1f, found[2]);
      double[] errors = error.toDoubleArray();
      assertEquals(0, errors[0]);
      assertTrue(Double.isNaN(errors[1]));
      assertEquals(0, errors[2]);
    }
  }

  @Test
  void threadsAndTheBudgetDoNotMatter() {
    PowerSearch search =
        PowerSearch.of(FOUR.withGroups(Groups.ofColumns(16))).withGrid(17, 1).withClips(3, 0.1);
    float[] expected = null;
    try (Tensor w = there(Tensor.of(PowerOracle.normals(64 * 100, 8), 64, 100))) {
      for (int threads = 1; threads <= 3; threads++) {
        for (long budget : new long[] {256 << 10, 64 << 20}) {
          try (Context c =
                  Context.builder().device(device()).threads(threads).budget(budget).build();
              PowerParameters best = search.search(c, w)) {
            float[] exponents = best.exponent().toFloatArray();
            expected = expected == null ? exponents : expected;
            assertArrayEquals(expected, exponents);
          }
        }
      }
    }
  }

  private static void expect(String message, Runnable call) {
    String got = assertThrows(IllegalArgumentException.class, call::run).getMessage();
    assertTrue(got.startsWith(message), got);
  }

  @Test
  void refusesByName() {
    PowerSearch search = PowerSearch.of(FOUR);
    assertEquals(new PowerSearch(FOUR, 2, 0.1, 1.2, 64, 3, 1, 0.02), search);
    expect("quantizer: ", () -> PowerSearch.of(null));
    expect("norm: ", () -> search.withNorm(0));
    expect("lowest: expected 0.01 to 16, got 0.0", () -> search.withExponents(0, 1));
    expect("highest: expected above 1.0", () -> search.withExponents(1, 1));
    expect("steps: ", () -> search.withGrid(1, 0));
    expect("refinements: ", () -> search.withGrid(2, 9));
    expect("clips: ", () -> search.withClips(0, 0.1));
    expect("clipStep: expected a smallest ratio above 0", () -> search.withClips(11, 0.1));
    try (Tensor w = there(Tensor.of(new float[] {1, 2}));
        Tensor scale = FOUR.scales(context, w);
        Tensor wide = Tensor.zeros(device(), DType.F64, 1)) {
      expect("w: ", () -> search.search(context, null));
      expect("exponents: ", () -> search.errors(context, w, scale, (double[]) null));
      expect("exponents", () -> search.errors(context, w, scale, new double[0]));
      expect("scale: expected f32, got f64", () -> search.errors(context, w, wide, 1));
      expect("exponent: ", () -> search.search(context, w, scale, null, wide, null, null));
      expect("shift: ", () -> search.search(context, w, scale, scale, scale, null, null));
    }
    Tensor closed = there(Tensor.of(new float[] {1}));
    closed.close();
    assertThrows(IllegalStateException.class, () -> search.search(context, closed));
  }
}
