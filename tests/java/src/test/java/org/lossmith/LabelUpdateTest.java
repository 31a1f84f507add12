package org.lossmith;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.lossmith.LabelCases.Case;
import org.lossmith.NormalizedSoftmax.Constraint;

/** A loss that steps its labels does what the loss and the step do one after the other. */
class LabelUpdateTest extends DeviceTest {
  private static final int STEPS = 3;

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

  static Stream<Arguments> rules() {
    List<Update> updates =
        List.of(
            Update.sgd(0.1).withWeightDecay(0.01),
            Update.momentum(0.1),
            Update.adagrad(0.1),
            Update.lion(0.01).withProjectRows(true));
    List<LabelLoss> losses =
        List.of(DecoupledSoftmax.of(0.3), SoftTopK.of(0.5), SoftmaxCrossEntropy.of(0.3));
    return updates.stream().flatMap(u -> losses.stream().map(l -> Arguments.of(u, l)));
  }

  @ParameterizedTest
  @MethodSource("rules")
  void givesTheBitsOfTheGradientAndTheStep(Update update, LabelLoss loss) {
    try (Case fused = problem(loss, DType.F32);
        Case apart = problem(loss, DType.F32);
        Tensor state = state(fused);
        Tensor other = state(apart)) {
      boolean keeps = update.rule().hasState();
      for (long step = 0; step < STEPS; step++) {
        try (LossResult one =
                loss.evaluateAndUpdate(
                    context, fused.inputs(), update, keeps ? state : null, step, "x");
            LossResult two = loss.evaluate(context, apart.inputs(), "x", "labels")) {
          Tensor labels = labels(apart);
          Tensor gradient = two.gradient("labels");
          update.step(context, gradient, labels, keeps ? other : null, step);
          assertEquals(two.loss(), one.loss());
          assertArrayEquals(two.gradient("x").toFloatArray(), one.gradient("x").toFloatArray());
          assertArrayEquals(labels.toFloatArray(), labels(fused).toFloatArray());
          assertArrayEquals(other.toFloatArray(), state.toFloatArray());
        }
      }
    }
  }

  @Test
  void narrowLabelsAreRoundedBySeedAndStep() {
    DecoupledSoftmax loss = DecoupledSoftmax.of(0.3);
    Update random = Update.sgd(1e-3).withStochasticRounding(5);
    float[] first = stepped(loss, random, 1);
    assertArrayEquals(first, stepped(loss, random, 1));
    assertFalse(Arrays.equals(first, stepped(loss, random, 2)));
    assertFalse(Arrays.equals(first, stepped(loss, random.withStochasticRounding(6), 1)));
  }

  private float[] stepped(LabelLoss loss, Update update, long step) {
    try (Case c = problem(loss, DType.BF16)) {
      loss.evaluateAndUpdate(context, c.inputs(), update, null, step).close();
      return labels(c).toFloatArray();
    }
  }

  @Test
  void theConstraintOfTheSphereDoesNotStickToTheContext() {
    Update sgd = Update.sgd(0.1);
    NormalizedSoftmax sphere = NormalizedSoftmax.of(4);
    NormalizedSoftmax free = sphere.withConstraint(Constraint.NORMALIZE_IN_FORWARD);
    try (Case on = problem(sphere, DType.F64);
        Case off = problem(free, DType.F64);
        Tensor weights = there(Tensor.of(new double[] {3, 4}, 1, 2));
        Tensor gradient = there(Tensor.of(new double[] {0, 0}, 1, 2))) {
      sphere.evaluateAndUpdate(context, on.inputs(), sgd, null, 0).close();
      sgd.step(context, gradient, weights, null, 0);
      free.evaluateAndUpdate(context, off.inputs(), sgd, null, 0).close();
      assertArrayEquals(new double[] {3, 4}, weights.toDoubleArray());
      assertEquals(1, norm(on), 1e-12);
      assertFalse(Math.abs(norm(off) - 1) < 1e-6);
    }
  }

  private static double norm(Case c) {
    double[] row = Arrays.copyOf(labels(c).toDoubleArray(), 10);
    return Math.sqrt(Arrays.stream(row).map(v -> v * v).sum());
  }

  private Case problem(LabelLoss loss, DType dtype) {
    return Case.of(loss, device(), dtype, 9, 41, 10, 7);
  }

  private Tensor state(Case c) {
    return Tensor.zeros(device(), DType.F32, labels(c).shape());
  }

  private static Tensor labels(Case c) {
    return c.inputs().get(LabelInputs.LABELS);
  }
}
