package org.lossmith;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import java.util.Comparator;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Searches for the best labels. */
class TopKTest extends DeviceTest {
  private static final float LEAST = Float.NEGATIVE_INFINITY;

  private Context context() {
    return Context.of(device());
  }

  /** Small integers, whose products are exact in every element type. */
  private static float[] integers(int count, long seed) {
    Random random = new Random(seed);
    float[] values = new float[count];
    for (int i = 0; i < count; i++) {
      values[i] = random.nextInt(9) - 4;
    }
    return values;
  }

  @ParameterizedTest
  @EnumSource(names = {"F32", "F64", "BF16", "F16"})
  void findsWhatAWholeSortFinds(DType dtype) {
    int n = 5;
    int l = 700;
    int d = 6;
    int k = 20;
    float[] x = integers(n * d, 1);
    float[] z = integers(l * d, 2);
    try (Context context = context();
        Tensor queries = there(Tensor.of(dtype, x, n, d));
        Tensor labels = there(Tensor.of(dtype, z, l, d));
        TopKResult found = TopK.of(k).withTemperature(0.5).search(context, queries, labels)) {
      long[] ids = found.idArray();
      double[] scores = found.scores().toDoubleArray();
      for (int i = 0; i < n; i++) {
        double[] s = new double[l];
        for (int j = 0; j < l; j++) {
          for (int c = 0; c < d; c++) {
            s[j] += 2 * x[i * d + c] * z[j * d + c];
          }
        }
        int[] order =
            IntStream.range(0, l)
                .boxed()
                .sorted(Comparator.comparingDouble(j -> -s[j]))
                .mapToInt(j -> j)
                .toArray();
        for (int r = 0; r < k; r++) {
          assertEquals(order[r], ids[i * k + r], "row " + i + ", place " + r);
          assertEquals(s[order[r]], scores[i * k + r], "row " + i + ", place " + r);
        }
      }
      assertEquals(dtype == DType.F64 ? DType.F64 : DType.F32, found.scores().dtype());
    }
  }

  @Test
  void addsTheBiasAndLeavesOutWhatIsKnown() {
    try (Context context = context();
        Tensor x = there(Tensor.of(new float[] {1, -1}, 2, 1));
        Tensor labels = there(Tensor.of(new float[] {0, 1, 2, 3}, 4, 1));
        Tensor bias = there(Tensor.of(new float[] {0.25f, 0, 0, -5}));
        LabelSets known = LabelSets.of(device(), new long[] {0, 1, 4}, new int[] {2, 3, 0, 1})) {
      TopKInputs inputs = TopKInputs.of(x, labels).bias(bias).excluded(known);
      try (TopKResult found = TopK.of(3).search(context, inputs)) {
        assertArrayEquals(new long[] {1, 0, 3, 2, -1, -1}, found.idArray());
        assertArrayEquals(
            new float[] {1, 0.25f, -2, -2, LEAST, LEAST}, found.scores().toFloatArray());
      }
    }
  }

  @Test
  void cosinesAreProductsOfUnitRows() {
    try (Context context = context();
        Tensor x = there(Tensor.of(new float[] {3, 4}, 1, 2));
        Tensor labels = there(Tensor.of(new float[] {100, 0, 0, 0.5f, 6, 8}, 3, 2));
        TopKResult found = TopK.cosine(3).search(context, x, labels)) {
      assertArrayEquals(new long[] {2, 1, 0}, found.idArray());
      assertArrayEquals(new double[] {1, 0.8, 0.6}, found.scores().toDoubleArray(), 1e-6);
    }
  }

  @Test
  void ranksGivenProducts() {
    try (Context context = context();
        Tensor products = there(Tensor.of(new float[] {2, Float.NaN, 7, 7, LEAST}, 1, 5));
        TopKResult found = TopK.of(5).search(context, TopKInputs.ofProducts(products))) {
      assertArrayEquals(new long[] {2, 3, 0, 4, 1}, found.idArray());
      assertArrayEquals(new float[] {7, 7, 2, LEAST, Float.NaN}, found.scores().toFloatArray());
    }
  }

  @Test
  void aResultServesAgain() {
    try (Context context = context();
        Tensor x = there(Tensor.of(integers(30, 3), 5, 6));
        Tensor labels = there(Tensor.of(integers(600, 4), 100, 6))) {
      TopKInputs inputs = TopKInputs.of(x, labels);
      TopK search = TopK.of(4);
      try (TopKResult first = search.search(context, inputs);
          TopKResult again = search.result(inputs)) {
        search.search(context, inputs, again);
        assertArrayEquals(first.idArray(), again.idArray());
        TopK.of(4).withTemperature(0.25).search(context, inputs, again);
        assertArrayEquals(first.idArray(), again.idArray());
        double[] scores = first.scores().toDoubleArray();
        assertArrayEquals(
            Arrays.stream(scores).map(s -> 4 * s).toArray(), again.scores().toDoubleArray());
        assertThrows(
            IllegalArgumentException.class, () -> TopK.of(3).search(context, inputs, again));
      }
    }
  }

  @Test
  void refusesWhatDoesNotFit() {
    assertThrows(IllegalArgumentException.class, () -> TopK.of(0));
    assertThrows(IllegalArgumentException.class, () -> TopK.of(1).withTemperature(0));
    assertThrows(IllegalArgumentException.class, () -> TopK.of(1).withTemperature(Double.NaN));
    try (Context context = context();
        Tensor x = there(Tensor.of(new float[6], 3, 2));
        Tensor vector = there(Tensor.of(new float[6]));
        Tensor labels = there(Tensor.of(new float[9], 3, 3));
        LabelSets two = LabelSets.of(device(), new long[] {0, 0, 0}, new int[0])) {
      TopK search = TopK.of(2);
      assertThrows(IllegalArgumentException.class, () -> TopKInputs.of(x, vector));
      assertThrows(IllegalArgumentException.class, () -> TopKInputs.of(null, x));
      assertThrows(IllegalArgumentException.class, () -> search.search(null, x, x));
      String message =
          assertThrows(IllegalArgumentException.class, () -> search.search(context, x, labels))
              .getMessage();
      assertEquals("labels: expected [n,2], got [3,3]", message);
      message =
          assertThrows(
                  IllegalArgumentException.class,
                  () -> search.search(context, TopKInputs.of(x, x).excluded(two)))
              .getMessage();
      assertTrue(message.startsWith("excluded_offsets: expected [4]"), message);
    }
    try (Context context = context()) {
      Tensor closed = there(Tensor.of(new float[6], 3, 2));
      TopKInputs inputs = TopKInputs.of(closed, closed);
      closed.close();
      assertThrows(IllegalStateException.class, () -> TopK.of(1).search(context, inputs));
    }
  }
}
