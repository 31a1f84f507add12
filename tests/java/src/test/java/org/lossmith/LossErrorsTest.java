package org.lossmith;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.function.Supplier;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Every input that does not fit is an error that names it; no output of the call is written. */
class LossErrorsTest extends DeviceTest {
  private static final InfoNce LOSS = InfoNce.symmetric(0.5);

  private Context context;
  private Tensor x;
  private Tensor y;

  @BeforeEach
  void open() {
    context = Context.of(device());
    x = there(Tensor.of(new float[] {1, 0, 0, 1, 1, 1}, 3, 2));
    y = there(Tensor.of(new float[] {1, 0, 0, 1, 1, 1, 2, 2}, 4, 2));
  }

  @AfterEach
  void close() {
    y.close();
    x.close();
    context.close();
  }

  /** Name in the message, the shape and type of a wrong tensor, and where it goes. */
  static Stream<Arguments> wrongTensors() {
    return Stream.of(
        wrong("log_scale", DType.F32, (i, t) -> i.logScale(t), 2),
        wrong("log_scale", DType.BF16, (i, t) -> i.logScale(t), 1),
        wrong("bias", DType.F32, (i, t) -> i.bias(t), 3),
        wrong("bias", DType.I32, (i, t) -> i.bias(t), 4),
        wrong("row_weight", DType.F32, (i, t) -> i.rowWeight(t), 4),
        wrong("row_weight", DType.F32, (i, t) -> i.rowWeight(t), 3, 1, 1),
        wrong("row_weight", DType.U8, (i, t) -> i.rowWeight(t), 3),
        wrong("upstream", DType.F32, (i, t) -> i.upstream(t), 3),
        wrong("ignore", DType.F32, (i, t) -> i.ignore(t), 3),
        wrong("ignore", DType.U8, (i, t) -> i.ignore(t), 4));
  }

  private interface Setter {
    ContrastiveInputs set(ContrastiveInputs inputs, Tensor tensor);
  }

  private static Arguments wrong(String name, DType dtype, Setter setter, long... shape) {
    return Arguments.of(name, dtype, shape, setter);
  }

  @ParameterizedTest(name = "{0} {1} {2}")
  @MethodSource("wrongTensors")
  void wrongTensorsAreNamed(String name, DType dtype, long[] shape, Setter setter) {
    try (Tensor tensor = Tensor.zeros(device(), dtype, shape)) {
      ContrastiveInputs inputs = setter.set(ContrastiveInputs.of(x, y), tensor);
      names(name, () -> LOSS.evaluate(context, inputs, "x"));
    }
  }

  static Stream<Arguments> wrongEmbeddings() {
    return Stream.of(
        Arguments.of("y", DType.F32, DType.F32, new long[] {3, 2}, new long[] {3, 5}),
        Arguments.of("y", DType.F32, DType.F32, new long[] {3, 2}, new long[] {2, 2}),
        Arguments.of("y", DType.F32, DType.F64, new long[] {3, 2}, new long[] {3, 2}),
        Arguments.of("x", DType.I32, DType.I32, new long[] {3, 2}, new long[] {3, 2}),
        Arguments.of("x", DType.F32, DType.F32, new long[] {3}, new long[] {3, 2}),
        Arguments.of("y", DType.F32, DType.F32, new long[] {3, 2}, new long[] {3, 2, 1}));
  }

  @ParameterizedTest
  @MethodSource("wrongEmbeddings")
  void wrongEmbeddingsAreNamed(
      String name, DType typeX, DType typeY, long[] shapeX, long[] shapeY) {
    try (Tensor a = Tensor.zeros(device(), typeX, shapeX);
        Tensor b = Tensor.zeros(device(), typeY, shapeY)) {
      names(name, () -> LOSS.evaluate(context, a, b));
    }
  }

  @Test
  void columnsOfXMustBeContiguous() {
    long[] strides = {1, 3};
    try (Tensor all = Tensor.zeros(device(), DType.F32, 2, 3);
        Tensor turned =
            Tensor.wrap(all.address(), device(), DType.F32, all, new long[] {3, 2}, strides)) {
      names("x", () -> LOSS.evaluate(context, turned, y));
    }
  }

  @Test
  void cwclNeedsExactlyOneSourceOfWeights() {
    try (Tensor weights = Tensor.zeros(device(), DType.F32, 3, 3)) {
      Cwcl cwcl = Cwcl.of(1);
      ContrastiveInputs inputs = ContrastiveInputs.of(x, x);
      assertThrows(IllegalArgumentException.class, () -> cwcl.evaluate(context, inputs));
      assertThrows(
          IllegalArgumentException.class,
          () -> cwcl.evaluate(context, inputs.reference(x).weights(weights)));
      names("reference", () -> cwcl.evaluate(context, inputs.reference(y)));
      names("weights", () -> cwcl.evaluate(context, inputs.weights(x)));
      weights.copyFrom(new float[] {1, 0, 0, 0, -1, 0, 0, 0, 1});
      badValues("weights", () -> cwcl.evaluate(context, inputs.weights(weights)));
    }
  }

  @Test
  void longReferenceRowsAreRejectedUnlessNormalised() {
    try (Tensor r = there(Tensor.of(new float[] {2, 0, 0, 2, 2, 0}, 3, 2))) {
      Cwcl.of(1).evaluate(context, x, x, r).close();
      Cwcl asItIs = Cwcl.of(1).withNormalizeReference(false);
      badValues("reference", () -> asItIs.evaluate(context, x, x, r));
    }
  }

  @Test
  void infoNceTakesNoWeights() {
    ContrastiveInputs inputs = ContrastiveInputs.of(x, x);
    names("reference", () -> LOSS.evaluate(context, inputs.reference(x)));
    names("referenceY", () -> LOSS.evaluate(context, inputs.referenceY(x)));
    names("weights", () -> LOSS.evaluate(context, inputs.weights(x)));
  }

  @Test
  void infiniteRowWeightsAreRejected() {
    try (Tensor weight = there(Tensor.of(new float[] {1, Float.POSITIVE_INFINITY, 1}))) {
      ContrastiveInputs inputs = ContrastiveInputs.of(x, y).rowWeight(weight);
      badValues("row_weight", () -> LOSS.evaluate(context, inputs));
    }
  }

  @Test
  void nullsAreNamed() {
    ContrastiveInputs inputs = ContrastiveInputs.of(x, y);
    names("context", () -> LOSS.evaluate(null, inputs, "x"));
    names("inputs", () -> LOSS.evaluate(context, null, "x"));
    names("result", () -> LOSS.evaluate(context, inputs, (LossResult) null));
    names("wanted", () -> LOSS.evaluate(context, inputs, (String[]) null));
    names("x", () -> ContrastiveInputs.of(null, y));
    names("y", () -> ContrastiveInputs.of(x, null));
    names("logScale", () -> inputs.logScale(null));
    names("bias", () -> inputs.bias(null));
    names("ignore", () -> inputs.ignore(null));
    names("weights", () -> inputs.weights(null));
  }

  @Test
  void unknownWantedNamesAreListed() {
    ContrastiveInputs inputs = ContrastiveInputs.of(x, y);
    names("wanted", () -> LOSS.evaluate(context, inputs, "z"));
    names("wanted", () -> LOSS.evaluate(context, inputs, (String) null));
    names("bias", () -> LOSS.evaluate(context, inputs, "bias"));
    try (LossResult r = LOSS.evaluate(context, inputs, "x")) {
      names("gradient", () -> r.gradient("y"));
      names("rowLoss", r::rowLoss);
    }
  }

  @Test
  void withoutReductionThereIsNoLoss() {
    InfoNce none = LOSS.withReduction(Reduction.NONE);
    try (LossResult r = none.evaluate(context, x, y)) {
      assertThrows(UnsupportedOperationException.class, r::loss);
      assertThrows(UnsupportedOperationException.class, r::lossTensor);
      assertEquals(3, r.rowLoss().elements());
    }
  }

  @Test
  void aResultOfAnotherShapeIsRejectedAndKept() {
    try (LossResult other = LOSS.evaluate(context, x, x)) {
      double before = other.loss();
      ContrastiveInputs inputs = ContrastiveInputs.of(x, y);
      names("grad_y", () -> LOSS.evaluate(context, inputs, other));
      assertEquals(before, other.loss());
    }
  }

  @Test
  void aBudgetThatIsTooSmallSaysWhatIsNeeded() {
    try (Tensor large = Tensor.zeros(device(), DType.F32, 4096, 64)) {
      context.budget(1024);
      BudgetException e =
          assertThrows(BudgetException.class, () -> LOSS.evaluate(context, large, large));
      assertTrue(e.getMessage().matches("(?s).*budget.*\\d+.*1024.*|.*1024.*\\d+.*"), e::toString);
    }
  }

  @Test
  void plansSayWhatACallTakes() {
    try (Tensor large = Tensor.zeros(device(), DType.F32, 3072, 64)) {
      ContrastiveInputs inputs = ContrastiveInputs.of(large, large);
      ContrastivePlan stored = LOSS.withPlan(Plan.STORE).plan(context, inputs, "x", "y");
      ContrastivePlan again = LOSS.withPlan(Plan.RECOMPUTE).plan(context, inputs, "x", "y");
      double product = 2.0 * 3072 * 3072 * 64;
      assertEquals(Plan.STORE, stored.plan());
      assertEquals(Plan.RECOMPUTE, again.plan());
      assertEquals(3 * product, stored.flops());
      assertEquals(4 * product, again.flops());
      assertEquals(product, LOSS.plan(context, inputs).flops());
      assertTrue(again.workspaceBytes() < stored.workspaceBytes());
      Plan chosen = LOSS.plan(context, inputs, "x", "y").plan();
      assertTrue(chosen != Plan.AUTO, chosen.toString());
    }
  }

  @Test
  void closedObjectsAreClosed() {
    ContrastiveInputs inputs = ContrastiveInputs.of(x, y);
    LossResult result = LOSS.result(inputs, "x");
    Tensor gone = Tensor.zeros(device(), DType.F32, 3, 2);
    gone.close();
    closed(() -> LOSS.evaluate(context, gone, y));
    result.close();
    closed(() -> LOSS.evaluate(context, inputs, result));
    closed(result::loss);
    closed(() -> result.gradient("x").toFloatArray());
    context.close();
    closed(() -> LOSS.evaluate(context, x, y));
    closed(() -> LOSS.plan(context, inputs));
  }

  private static void closed(Executable use) {
    String message = assertThrows(IllegalStateException.class, use).getMessage();
    assertTrue(message.endsWith("expected an open one, got a closed one"), message);
  }

  /** The CPU refuses bad values; a device, which is not waited for to see them, gives NaN. */
  private void badValues(String name, Supplier<LossResult> call) {
    if (device().type() == Device.Type.CPU) {
      names(name, call::get);
      return;
    }
    try (LossResult result = call.get()) {
      assertEquals(Double.NaN, result.loss());
    }
  }

  private static void names(String name, Executable use) {
    String message = assertThrows(IllegalArgumentException.class, use).getMessage();
    assertTrue(message.startsWith(name + ": expected "), message);
    assertTrue(message.contains(", got "), message);
  }
}
