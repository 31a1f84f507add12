package org.lossmith;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Rows of unit length, and the vectors of new classes. */
class PrototypesTest extends DeviceTest {
  @ParameterizedTest
  @EnumSource(names = {"F32", "F64", "BF16", "F16"})
  void rowsOfUnitLength(DType dtype) {
    try (Context context = Context.of(device());
        Tensor x = Tensor.of(device(), dtype, new float[] {3, 4, 0, 0, -8, 6}, 3, 2);
        Tensor unit = Rows.normalize(context, x);
        Tensor exact = Tensor.zeros(device(), DType.F64, 3, 2);
        Tensor norms = Tensor.zeros(device(), DType.F32, 3)) {
      assertEquals(dtype, unit.dtype());
      Rows.normalize(context, x, exact, norms);
      double[] expected = {0.6, 0.8, 0, 0, -0.8, 0.6};
      assertArrayEquals(expected, exact.toDoubleArray(), 1e-15);
      assertArrayEquals(new float[] {5, 0, 10}, norms.toFloatArray());
      assertArrayEquals(expected, unit.toDoubleArray(), dtype.bytes() == 2 ? 2e-3 : 1e-7);
      Rows.normalize(context, x, x, null);
      assertArrayEquals(unit.toDoubleArray(), x.toDoubleArray());
      String message =
          assertThrows(
                  IllegalArgumentException.class, () -> Rows.normalize(context, x, exact, exact))
              .getMessage();
      assertTrue(message.startsWith("norms: expected [3], got [3,2]"), message);
    }
  }

  /** Numbers of independent origin. */
  @Test
  void prototypeOfThreeExamples() {
    double[] examples = {0.5, 0.5, 2, -0.2, 0.4, 1, 0.1, -0.3, 0.9};
    double[] classes = {0.6, 0.8, 0, 0, 1, 0, -0.8, 0, 0.6, 1 / 3.0, 2 / 3.0, 2 / 3.0};
    try (Context context = Context.of(device());
        Tensor x = there(Tensor.of(examples, 3, 3));
        Prototypes prototypes = Prototypes.of(context, x, new int[3], 1);
        Tensor query = there(Tensor.of(new double[] {0.2, 0.1, 1.5}, 1, 3));
        Tensor direction = Rows.normalize(context, query)) {
      double[] prototype = prototypes.rows().toDoubleArray();
      assertArrayEquals(
          new double[] {0.056049204731, 0.101613638839, 0.993243754096}, prototype, 1e-12);
      assertEquals(0.9393922060130218, prototypes.resultant(0), 1e-15);
      double[] expected = {
        1.318760946792, 0.659380473396, 4.879415503129, 7.472978698486, 9.964800603179
      };
      double[] u = direction.toDoubleArray();
      for (int k = 0; k < 5; k++) {
        double logit = 0;
        for (int j = 0; j < 3; j++) {
          logit += 10 * u[j] * (k < 4 ? classes[k * 3 + j] : prototype[j]);
        }
        assertEquals(expected[k], logit, 2e-12);
      }
    }
  }

  @Test
  void classesInAnyOrder() {
    float[] examples = {2, 0, 0, 3, 0, 1, -4, 0, 1, 1};
    try (Context context = Context.of(device());
        Tensor x = Tensor.of(device(), DType.F32, examples, 5, 2);
        Prototypes prototypes = Prototypes.of(context, x, new int[] {2, 1, 1, 0, 2}, 3)) {
      float[] rows = prototypes.rows().toFloatArray();
      assertArrayEquals(new float[] {-1, 0, 0, 1}, Arrays.copyOf(rows, 4), 1e-7f);
      assertEquals(Math.cos(Math.PI / 8), rows[4], 1e-7);
      assertEquals(Math.cos(Math.PI / 8), prototypes.resultant(2), 1e-12);
      assertEquals(1, prototypes.resultant(0), 1e-15);
      assertEquals(device(), prototypes.rows().device());
    }
  }

  @Test
  void refusesByName() {
    float[] values = {1, 2, 3, 4, 5, 6};
    try (Context context = Context.of(device());
        Tensor x = Tensor.of(device(), DType.F32, values, 2, 3);
        Tensor vector = Tensor.zeros(device(), DType.F32, 3)) {
      expect("classIds: expected 2 ids", context, x, new int[1], 1);
      expect(
          "classIds: expected ids from 0 to 1, got 2 at index 1", context, x, new int[] {0, 2}, 2);
      expect(
          "classIds: expected an example of every class, got none of class 1",
          context,
          x,
          new int[2],
          2);
      expect("embeddings: expected two dimensions", context, vector, new int[3], 1);
      expect("classIds: expected a value", context, x, null, 1);
      try (Tensor none = Tensor.zeros(device(), DType.F32, 2, 3)) {
        expect(
            "embeddings: expected examples of class 0 with a mean direction",
            context,
            none,
            new int[2],
            1);
      }
    }
    double[] opposite = {1, 2, 3, -1, -2, -3};
    try (Context context = Context.of(device());
        Tensor x = there(Tensor.of(opposite, 2, 3))) {
      expect(
          "embeddings: expected examples of class 0 with a mean direction",
          context,
          x,
          new int[2],
          1);
    }
  }

  private static void expect(
      String message, Context context, Tensor embeddings, int[] classIds, int classes) {
    String got =
        assertThrows(
                IllegalArgumentException.class,
                () -> Prototypes.of(context, embeddings, classIds, classes).close())
            .getMessage();
    assertTrue(got.startsWith(message), got);
  }
}
