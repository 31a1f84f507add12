package org.lossmith;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.HashSet;
import java.util.Set;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.lossmith.LabelCases.Case;

/** The losses over labels: samples, lifetimes, the same bits, what is empty or not a number. */
class LabelUseTest extends DeviceTest {
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

  @Test
  void aSampleOfOnePositiveIsOneOfThem() {
    DecoupledSoftmax all = DecoupledSoftmax.of(0.3);
    try (Tensor scores = there(Tensor.of(new double[] {2, 0.5, -1, 1, 0}, 1, 5));
        LabelSets two = LabelSets.of(device(), new long[] {0, 2}, new long[] {0, 3});
        LabelSets first = LabelSets.of(device(), new long[] {0, 1}, new long[] {0});
        LabelSets second = LabelSets.of(device(), new long[] {0, 1}, new long[] {3})) {
      LabelInputs inputs = LabelInputs.ofScores(scores, two);
      double one = value(all, LabelInputs.ofScores(scores, first).ignored(second));
      double other = value(all, LabelInputs.ofScores(scores, second).ignored(first));
      Set<Double> seen = new HashSet<>();
      for (long seed = 0; seed < times(40, 20); seed++) {
        DecoupledSoftmax drawn = all.withPositives(PositiveSelection.sampled(1, seed));
        double loss = value(drawn, inputs);
        assertEquals(loss, value(drawn, inputs), "the same seed draws the same");
        assertTrue(Math.abs(loss - one) < 1e-12 || Math.abs(loss - other) < 1e-12, "" + loss);
        seen.add(loss);
      }
      assertEquals(2, seen.size(), "both are drawn");
      DecoupledSoftmax enough = all.withPositives(PositiveSelection.sampled(2, 7));
      assertEquals(value(all, inputs), value(enough, inputs));
    }
  }

  private double value(LabelLoss loss, LabelInputs inputs) {
    try (LossResult r = loss.evaluate(context, inputs)) {
      return r.loss();
    }
  }

  @Test
  void supConIsTheMeanOfMultiLabelInfoNce() {
    try (Case c = LabelLossTest.small(SupCon.of(0.3), device(), DType.F64)) {
      PositiveSelection equal = PositiveSelection.ALL;
      double[] weights = new double[9];
      for (int i = 0; i < 9; i++) {
        weights[i] = 1.0 / Math.max(1, c.problem.positives[i].length);
      }
      try (Tensor weight = there(Tensor.of(weights))) {
        double mean = value(SupCon.of(0.3).withPositives(equal), c.inputs());
        double sum = value(MultiLabelInfoNce.of(0.3), c.inputs().rowWeight(weight));
        assertEquals(sum, mean, 1e-12);
      }
    }
  }

  @Test
  void threadsBudgetAndPlanDoNotChangeABit() {
    for (LabelLoss loss : LabelLossTest.LOSSES) {
      try (Case c = Case.of(loss, device(), DType.F32, times(150, 20), times(1500, 90), 16, 6)) {
        double value = 0;
        float[] gradient = null;
        for (Plan plan : new Plan[] {Plan.STORE, Plan.RECOMPUTE}) {
          LabelLoss planned = LabelLossTest.with(loss, s -> s.withPlan(plan));
          for (int threads : new int[] {1, 3}) {
            try (Context other =
                    Context.builder().device(device()).threads(threads).budget(8L << 20).build();
                LossResult r = planned.evaluate(other, c.inputs(), "x", "labels")) {
              float[] labels = r.gradient("labels").toFloatArray();
              value = gradient == null ? r.loss() : value;
              gradient = gradient == null ? labels : gradient;
              assertEquals(value, r.loss(), () -> LabelLossTest.name(loss));
              assertArrayEquals(gradient, labels, () -> LabelLossTest.name(loss));
            }
          }
        }
      }
    }
  }

  @Test
  void aClosedInputIsRefusedAndAResultOutlivesItsInputs() {
    LossResult result;
    LabelInputs inputs;
    try (Case c = LabelLossTest.small(DecoupledSoftmax.of(0.3), device(), DType.F64)) {
      inputs = c.inputs();
      result = DecoupledSoftmax.of(0.3).evaluate(context, inputs, "labels");
    }
    try (result) {
      assertTrue(result.loss() > 0);
      assertEquals(230, result.gradient("labels").toDoubleArray().length);
      assertThrows(
          IllegalStateException.class,
          () -> DecoupledSoftmax.of(0.3).evaluate(context, inputs, result));
    }
  }

  @Test
  void noRowsGiveZero() {
    try (Tensor x = there(Tensor.zeros(DType.F32, 0, 4));
        Tensor labels = there(Tensor.of(new float[] {1, 2, 3, 4}, 1, 4));
        LabelSets none = LabelSets.of(device(), new long[] {0}, new long[0]);
        LossResult r =
            DecoupledSoftmax.of(1).evaluate(context, LabelInputs.of(x, labels, none), "labels")) {
      assertEquals(0, r.loss());
      assertEquals(0, r.gradient("labels").toFloatArray()[3]);
    }
  }

  @Test
  void nansPropagateIntoTheLoss() {
    try (Tensor scores = there(Tensor.of(new float[] {1, Float.NaN, 0}, 1, 3));
        LabelSets first = LabelSets.of(device(), new long[] {0, 1}, new long[] {0})) {
      assertEquals(Double.NaN, value(DecoupledSoftmax.of(1), LabelInputs.ofScores(scores, first)));
    }
  }

  @Test
  void theFilterIsExactWhereAllCoefficientsMatter() {
    DecoupledSoftmax loss = DecoupledSoftmax.of(0.3);
    DecoupledSoftmax filtered = loss.withScoring(loss.scoring().withFilter(1e-30));
    try (Case c = LabelLossTest.small(loss, device(), DType.F32);
        LossResult exact = loss.evaluate(context, c.inputs(), "x");
        LossResult other = filtered.evaluate(context, c.inputs(), "x")) {
      assertEquals(exact.loss(), other.loss());
      double[] expected = exact.gradient("x").toDoubleArray();
      double[] got = other.gradient("x").toDoubleArray();
      for (int i = 0; i < got.length; i++) {
        assertEquals(expected[i], got[i]);
      }
    }
  }
}
