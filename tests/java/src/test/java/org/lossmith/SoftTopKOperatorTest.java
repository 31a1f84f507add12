package org.lossmith;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import org.junit.jupiter.api.Test;

/** Memberships of the k largest scores, and their gradient. */
class SoftTopKOperatorTest extends DeviceTest {
  private static final double[] SCORES = {2, 0.5, -1, 1, 0, -0.5, 1.5, 0.3, 2.2, -2};

  /** Numbers of independent origin. */
  @Test
  void golden() {
    try (Context context = Context.of(device());
        Tensor scores = there(Tensor.of(SCORES, 2, 5));
        Tensor y = SoftTopKOperator.of(2).withPlain(true).memberships(context, scores)) {
      double[] expected = {0.9096131717, 0.3337930587, 0.0243379566, 0.5766218362, 0.1556339769};
      assertArrayEquals(expected, Arrays.copyOf(y.toDoubleArray(), 5), 1e-9);
    }
  }

  /** With an upstream of -1/(n |P_i|) at the positives the gradient is that of the loss. */
  @Test
  void gradientIsThatOfTheLoss() {
    double[] upstream = new double[10];
    upstream[0] = upstream[3] = -0.25;
    upstream[6] = -0.5;
    double[] expected = {
      -0.0151880877, 0.0811564277, 0.008666026, -0.1225935331, 0.0479591671,
      0.0262719579, -0.1439662089, 0.0859306089, 0.0302976366, 0.0014660055
    };
    try (Context context = Context.of(device());
        Tensor scores = there(Tensor.of(SCORES, 2, 5));
        Tensor g = there(Tensor.of(upstream, 2, 5));
        Tensor gradient = SoftTopKOperator.of(2).gradient(context, scores, g)) {
      assertArrayEquals(expected, gradient.toDoubleArray(), 1e-9);
    }
  }

  @Test
  void ignoredEntriesAndRowsWithTheirOwnK() {
    try (Context context = Context.of(device());
        Tensor scores = there(Tensor.of(SCORES, 2, 5));
        Tensor k = there(Tensor.of(new long[] {1, 3}, 2));
        LabelSets ignored = LabelSets.of(device(), new long[] {0, 1, 1}, new int[] {0});
        Tensor y = Tensor.zeros(device(), DType.F64, 2, 5);
        Tensor threshold = Tensor.zeros(device(), DType.F64, 2)) {
      SoftTopKOperator operator = SoftTopKOperator.of(0).withPlain(true).withAlpha(3);
      operator.evaluate(context, scores, k, ignored, null, y, threshold, null);
      double[] got = y.toDoubleArray();
      assertEquals(0, got[0]);
      assertEquals(1, Arrays.stream(got, 0, 5).sum(), 1e-9);
      assertEquals(3, Arrays.stream(got, 5, 10).sum(), 1e-9);
      double t = threshold.toDoubleArray()[1];
      assertEquals(1 / (1 + Math.exp(-3 * (1.5 + t))), got[6], 1e-12);
    }
  }

  @Test
  void badArguments() {
    assertThrows(IllegalArgumentException.class, () -> new SoftTopKOperator(0, 1, true));
    assertThrows(IllegalArgumentException.class, () -> SoftTopKOperator.of(-1));
    try (Context context = Context.of(device());
        Tensor scores = there(Tensor.of(SCORES, 2, 5))) {
      String message =
          assertThrows(
                  IllegalArgumentException.class,
                  () -> SoftTopKOperator.of(0).memberships(context, scores))
              .getMessage();
      assertTrue(message.startsWith("k_rows: expected a tensor"), message);
    }
    Context closed = Context.of(device());
    closed.close();
    try (Tensor scores = there(Tensor.of(SCORES, 2, 5))) {
      assertThrows(
          IllegalStateException.class, () -> SoftTopKOperator.of(2).memberships(closed, scores));
    }
  }
}
