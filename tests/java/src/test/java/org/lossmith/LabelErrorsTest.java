package org.lossmith;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Every input of a loss over labels that does not fit is an error that names it. */
class LabelErrorsTest extends DeviceTest {
  private static final DecoupledSoftmax LOSS = DecoupledSoftmax.of(0.5);
  private static final SoftmaxCrossEntropy SOFTMAX = SoftmaxCrossEntropy.of(0.5);

  private Context context;
  private Tensor x;
  private Tensor labels;
  private Tensor target;
  private LabelSets positives;
  private LabelInputs inputs;
  private LabelInputs targeted;

  @BeforeEach
  void open() {
    context = Context.of(device());
    x = there(Tensor.of(new float[] {1, 0, 0, 1, 1, 1}, 3, 2));
    labels = there(Tensor.of(new float[] {1, 0, 0, 1, 1, 1, 2, 2}, 4, 2));
    target = there(Tensor.of(new int[] {0, 1, 3}));
    positives = LabelSets.of(device(), new long[] {0, 1, 2, 3}, new int[] {0, 1, 2});
    inputs = LabelInputs.of(x, labels, positives);
    targeted = LabelInputs.of(x, labels, target);
  }

  @AfterEach
  void close() {
    positives.close();
    target.close();
    labels.close();
    x.close();
    context.close();
  }

  private interface Setter {
    LabelInputs set(LabelInputs inputs, Tensor tensor);
  }

  private static Arguments wrong(
      String name, LabelLoss loss, DType dtype, Setter setter, long... shape) {
    return Arguments.of(name, loss, dtype, shape, setter);
  }

  static Stream<Arguments> wrongTensors() {
    SoftTopK top = SoftTopK.of(1);
    return Stream.of(
        wrong("log_scale", LOSS, DType.F32, LabelInputs::logScale, 2),
        wrong("log_scale", LOSS, DType.BF16, LabelInputs::logScale, 1),
        wrong("bias", LOSS, DType.F32, LabelInputs::bias, 3),
        wrong("row_weight", LOSS, DType.F32, LabelInputs::rowWeight, 4),
        wrong("row_weight", LOSS, DType.U8, LabelInputs::rowWeight, 3),
        wrong("upstream", LOSS, DType.F32, LabelInputs::upstream, 3),
        wrong("candidates", LOSS, DType.I32, LabelInputs::candidates, 2),
        wrong("candidates", LOSS, DType.I64, LabelInputs::candidates, 5),
        wrong("k_rows", LOSS, DType.I64, LabelInputs::kRows, 3),
        wrong("k_rows", top, DType.I64, LabelInputs::kRows, 3),
        wrong("k_rows", top.withK(0), DType.I64, LabelInputs::kRows, 2),
        wrong("k_rows", top.withK(0), DType.F32, LabelInputs::kRows, 3),
        wrong("class_weight", LOSS, DType.F32, LabelInputs::classWeight, 4),
        wrong("class_weight", SOFTMAX, DType.F32, LabelInputs::classWeight, 3));
  }

  @ParameterizedTest(name = "{0} {1} {2}")
  @MethodSource("wrongTensors")
  void wrongTensorsAreNamed(String name, LabelLoss loss, DType dtype, long[] shape, Setter setter) {
    try (Tensor tensor = Tensor.zeros(device(), dtype, shape)) {
      LabelInputs start = loss == SOFTMAX ? targeted : inputs;
      LabelInputs set = setter.set(start, tensor);
      names(name, () -> loss.evaluate(context, set, "x"));
    }
  }

  @Test
  void embeddingsMustFitEachOther() {
    try (Tensor wide = Tensor.zeros(device(), DType.F32, 4, 3);
        Tensor other = Tensor.zeros(device(), DType.F64, 4, 2);
        Tensor whole = Tensor.zeros(device(), DType.I32, 3, 2);
        Tensor vector = Tensor.zeros(device(), DType.F32, 3)) {
      names("labels", () -> LOSS.evaluate(context, LabelInputs.of(x, wide, positives)));
      names("labels", () -> LOSS.evaluate(context, LabelInputs.of(x, other, positives)));
      names("x", () -> LOSS.evaluate(context, LabelInputs.of(whole, labels, positives)));
      names("x", () -> LabelInputs.of(vector, labels, positives));
      names("labels", () -> LabelInputs.of(x, vector, positives));
      names("scores", () -> LabelInputs.ofScores(vector, positives));
      names("target", () -> LabelInputs.of(x, labels, cube()));
    }
  }

  private Tensor cube() {
    Tensor cube = Tensor.zeros(device(), DType.F32, 1, 1, 1);
    cube.close();
    return cube;
  }

  @Test
  void whatIsRightMustBeAsTheLossWantsIt() {
    names("positives", () -> LOSS.evaluate(context, targeted));
    names("positives", () -> MultiLabelBce.of(1).evaluate(context, targeted));
    names("target", () -> SOFTMAX.evaluate(context, inputs));
    names("target", () -> NormalizedSoftmax.of(10).evaluate(context, inputs));
    try (LabelSets two = LabelSets.of(device(), new long[] {0, 1, 2}, new int[] {0, 1});
        Tensor four = there(Tensor.of(new int[] {0, 1, 2, 3}));
        Tensor narrow = Tensor.zeros(device(), DType.F32, 3, 3)) {
      names("positive_offsets", () -> LOSS.evaluate(context, LabelInputs.of(x, labels, two)));
      names("ignored_offsets", () -> LOSS.evaluate(context, inputs.ignored(two)));
      names("target", () -> SOFTMAX.evaluate(context, LabelInputs.of(x, labels, four)));
      names("soft_target", () -> SOFTMAX.evaluate(context, LabelInputs.of(x, labels, narrow)));
    }
  }

  @Test
  void badValuesAreRefused() {
    try (LabelSets far = LabelSets.of(device(), new long[] {0, 1, 2, 3}, new int[] {0, 1, 4});
        Tensor beyond = there(Tensor.of(new int[] {0, 1, 4}));
        Tensor falling = there(Tensor.of(new long[] {2, 1}));
        Tensor endless = there(Tensor.of(new float[] {1, Float.POSITIVE_INFINITY, 1}));
        Tensor whole = there(Tensor.of(new long[] {1, 4, 2}))) {
      bad("positive_ids", LOSS, LabelInputs.of(x, labels, far));
      bad("ignored_ids", LOSS, inputs.ignored(far));
      bad("target", SOFTMAX, LabelInputs.of(x, labels, beyond));
      bad("candidates", LOSS, inputs.candidates(falling));
      bad("row_weight", LOSS, inputs.rowWeight(endless));
      bad("k_rows", SoftTopK.of(1).withK(0), inputs.kRows(whole));
      bad("k", SoftTopK.of(1).withK(4), inputs);
      bad("target", SOFTMAX, targeted.ignored(positives));
    }
  }

  /** The CPU refuses bad values; a device, which is not waited for to see them, gives NaN. */
  private void bad(String name, LabelLoss loss, LabelInputs wrong) {
    if (device().type() == Device.Type.CPU) {
      names(name, () -> loss.evaluate(context, wrong));
      return;
    }
    try (LossResult result = loss.evaluate(context, wrong)) {
      assertEquals(Double.NaN, result.loss(), name);
    }
  }

  @Test
  void givenScoresAreNotNormalisedAndHaveNoLabels() {
    try (Tensor scores = Tensor.zeros(device(), DType.F32, 3, 4)) {
      LabelInputs given = LabelInputs.ofScores(scores, positives);
      Scoring plain = Scoring.of(1);
      DecoupledSoftmax x = DecoupledSoftmax.of(plain.withNormalizeX(true));
      DecoupledSoftmax z = DecoupledSoftmax.of(plain.withNormalizeLabels(true));
      names("normalizeX", () -> x.evaluate(context, given));
      names("normalizeLabels", () -> z.evaluate(context, given));
      names("labels", () -> LOSS.evaluate(context, given, "labels"));
    }
  }

  @Test
  void nullsAreNamed() {
    names("context", () -> LOSS.evaluate(null, inputs, "x"));
    names("inputs", () -> LOSS.evaluate(context, null, "x"));
    names("result", () -> LOSS.evaluate(context, inputs, (LossResult) null));
    names("wanted", () -> LOSS.evaluate(context, inputs, (String[]) null));
    names("x", () -> LabelInputs.of(null, labels, positives));
    names("labels", () -> LabelInputs.of(x, null, positives));
    names("positives", () -> LabelInputs.of(x, labels, (LabelSets) null));
    names("target", () -> LabelInputs.of(x, labels, (Tensor) null));
    names("scores", () -> LabelInputs.ofScores(null, positives));
    names("ignored", () -> inputs.ignored(null));
    names("candidates", () -> inputs.candidates(null));
    names("kRows", () -> inputs.kRows(null));
    names("logScale", () -> inputs.logScale(null));
    names("bias", () -> inputs.bias(null));
    names("classWeight", () -> inputs.classWeight(null));
    names("rowWeight", () -> inputs.rowWeight(null));
    names("upstream", () -> inputs.upstream(null));
    names("update", () -> LOSS.evaluateAndUpdate(context, inputs, null, null, 0));
  }

  @Test
  void unknownWantedNamesAreListed() {
    names("wanted", () -> LOSS.evaluate(context, inputs, "y"));
    names("bias", () -> LOSS.evaluate(context, inputs, "bias"));
    names("threshold", () -> LOSS.evaluate(context, inputs, "threshold"));
    try (LossResult r = LOSS.evaluate(context, inputs, "x")) {
      names("gradient", () -> r.gradient("labels"));
      names("threshold", r::threshold);
      names("rowLoss", r::rowLoss);
    }
    DecoupledSoftmax none = LOSS.withScoring(LOSS.scoring().withReduction(Reduction.NONE));
    try (LossResult r = none.evaluate(context, inputs)) {
      assertThrows(UnsupportedOperationException.class, r::loss);
      assertEquals(3, r.rowLoss().elements());
    }
  }

  @Test
  void aStepAndTheGradientOfTheLabelsExcludeEachOther() {
    float[] before = labels.toFloatArray();
    Update sgd = Update.sgd(0.1);
    names("grad_labels", () -> LOSS.evaluateAndUpdate(context, inputs, sgd, null, 0, "labels"));
    try (Tensor state = Tensor.zeros(device(), DType.F32, 4, 3);
        Tensor scores = Tensor.zeros(device(), DType.F32, 3, 4)) {
      LabelInputs given = LabelInputs.ofScores(scores, positives);
      names("update", () -> LOSS.evaluateAndUpdate(context, given, sgd, null, 0));
      names(
          "update_state",
          () -> LOSS.evaluateAndUpdate(context, inputs, Update.lion(0.1), state, 0));
    }
    assertArrayEquals(before, labels.toFloatArray());
  }

  @Test
  void aResultOfAnotherShapeIsRejectedAndKept() {
    try (LossResult other = LOSS.evaluate(context, LabelInputs.of(x, x, positives), "labels")) {
      double before = other.loss();
      names("grad_labels", () -> LOSS.evaluate(context, inputs, other));
      assertEquals(before, other.loss());
    }
  }

  @Test
  void aBudgetThatIsTooSmallSaysWhatIsNeeded() {
    context.budget(64);
    BudgetException e =
        assertThrows(BudgetException.class, () -> LOSS.evaluate(context, inputs, "x"));
    assertTrue(e.getMessage().matches("(?s).*\\d+.*64.*|.*64.*\\d+.*"), e::toString);
  }

  @Test
  void plansSayWhatACallTakes() {
    try (Tensor many = Tensor.zeros(device(), DType.F32, 2048, 32);
        Tensor rows = Tensor.zeros(device(), DType.F32, 256, 32);
        LabelSets none = LabelSets.of(device(), new long[257], new long[0])) {
      LabelInputs large = LabelInputs.of(rows, many, none);
      double product = 2.0 * 256 * 2048 * 32;
      ContrastivePlan stored = planned(Plan.STORE).plan(context, large, "x", "labels");
      ContrastivePlan again = planned(Plan.RECOMPUTE).plan(context, large, "x", "labels");
      assertEquals(Plan.STORE, stored.plan());
      assertEquals(Plan.RECOMPUTE, again.plan());
      assertEquals(3 * product, stored.flops());
      assertEquals(4 * product, again.flops());
      assertEquals(product, LOSS.plan(context, large, "row_loss").flops());
      assertTrue(again.workspaceBytes() < stored.workspaceBytes());
      assertTrue(LOSS.updatePlan(context, large).flops() >= 3 * product);
    }
  }

  private static DecoupledSoftmax planned(Plan plan) {
    return LOSS.withScoring(LOSS.scoring().withPlan(plan));
  }

  @Test
  void closedObjectsAreClosed() {
    LossResult result = LOSS.result(inputs, "x");
    result.close();
    closed(() -> LOSS.evaluate(context, inputs, result));
    LabelSets gone = LabelSets.of(device(), new long[] {0, 1, 2, 3}, new int[] {0, 1, 2});
    gone.close();
    closed(() -> LOSS.evaluate(context, LabelInputs.of(x, labels, gone)));
    Tensor state = Tensor.zeros(device(), DType.F32, 4, 2);
    state.close();
    closed(() -> LOSS.evaluateAndUpdate(context, inputs, Update.lion(0.1), state, 0));
    context.close();
    closed(() -> LOSS.evaluate(context, inputs));
    closed(() -> LOSS.plan(context, inputs));
  }

  private static void closed(Executable use) {
    String message = assertThrows(IllegalStateException.class, use).getMessage();
    assertTrue(message.endsWith("expected an open one, got a closed one"), message);
  }

  private static void names(String name, Executable use) {
    String message = assertThrows(IllegalArgumentException.class, use).getMessage();
    assertTrue(message.matches("(?s)" + name + "(\\[\\d+\\])?: expected .*"), message);
    assertTrue(message.contains(", got "), message);
  }
}
