package org.lossmith;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.List;
import java.util.function.BiFunction;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.lossmith.Cases.Case;

/** CWCL: golden values, and all its options in all element types against the oracle. */
class CwclTest extends DeviceTest {
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

  private static final double[] P = {1, 0, 0.6, 0.8, -0.8, 0.6};
  private static final double[] Q = {0.8, 0.6, 0, 1, -1, 0};

  @Test
  void goldenValues() {
    try (Tensor p = there(Tensor.of(P, 3, 2));
        Tensor q = there(Tensor.of(Q, 3, 2));
        LossResult r =
            Cwcl.of(0.5)
                .evaluate(
                    context,
                    ContrastiveInputs.of(p, q).reference(p),
                    "x",
                    "y",
                    "log_scale",
                    "row_loss")) {
      assertEquals(1.6409053387365842, r.loss(), 1e-14);
      assertArrayEquals(
          new double[] {
            -0.162648089, -0.2239434705, 0.5014779677, -0.0191556145, 0.123104746, 0.2999612415
          },
          r.gradient("x").toDoubleArray(),
          1e-10);
      assertArrayEquals(
          new double[] {
            0.0743173618, 0.429777462, -0.5199962494, -0.0932142239, 0.0196989946, -0.1312232521
          },
          r.gradient("y").toDoubleArray(),
          1e-10);
      assertEquals(0.20440714817, r.gradient("log_scale").item(), 1e-7);
    }
  }

  @Test
  void goldenValuesOfEachDirection() {
    try (Tensor p = there(Tensor.of(P, 3, 2));
        Tensor q = there(Tensor.of(Q, 3, 2))) {
      ContrastiveInputs inputs = ContrastiveInputs.of(p, q).reference(p);
      Cwcl loss = Cwcl.of(0.5);
      assertEquals(1.0992871779064568, value(loss.withColumnCoefficient(0), inputs), 1e-14);
      assertEquals(0.5416181608301275, value(loss.withRowCoefficient(0), inputs), 1e-14);
    }
  }

  @Test
  void identityWeightsGiveTwiceTheLossOfClip() {
    try (Tensor p = there(Tensor.of(P, 3, 2));
        Tensor q = there(Tensor.of(Q, 3, 2));
        Tensor identity = there(Tensor.of(new double[] {1, 0, 0, 0, 1, 0, 0, 0, 1}, 3, 3))) {
      ContrastiveInputs inputs = ContrastiveInputs.of(p, q);
      assertEquals(
          2 * value(InfoNce.symmetric(0.5), inputs),
          value(Cwcl.of(0.5), inputs.weights(identity)),
          1e-14);
    }
  }

  private double value(ContrastiveLoss loss, ContrastiveInputs inputs) {
    try (LossResult r = loss.evaluate(context, inputs)) {
      return r.loss();
    }
  }

  private static Case square(Cwcl loss, DType dtype) {
    return new Case(loss, dtype, 13, 13, 10, 11);
  }

  private static Case wide(Cwcl loss, DType dtype) {
    return new Case(loss, dtype, 9, 17, 12, 12);
  }

  private record Option(String name, BiFunction<Cwcl, DType, Case> make) {}

  private static final List<Option> OPTIONS =
      List.of(
          new Option("reference", (l, t) -> square(l, t).reference(7)),
          new Option("reference of candidates", (l, t) -> wide(l, t).reference(5)),
          new Option(
              "reference as it is",
              (l, t) -> wide(l.withNormalizeReference(false), t).reference(5)),
          new Option("weights", (l, t) -> wide(l, t).weights(DType.F32)),
          new Option("weights, F64", (l, t) -> square(l, t).weights(DType.F64)),
          new Option("weights, BF16", (l, t) -> square(l, t).weights(DType.BF16)),
          new Option("one pair", (l, t) -> new Case(l, t, 1, 1, 4, 13).reference(3)),
          new Option(
              "larger than a tile", (l, t) -> new Case(l, t, 300, 333, 40, 14).reference(20)),
          new Option("larger, weights", (l, t) -> new Case(l, t, 300, 333, 40, 15).weights(t)),
          new Option("learned scale", (l, t) -> square(l, t).reference(7).logScale(1.5)),
          new Option("bias", (l, t) -> wide(l, t).reference(4).bias(17)),
          new Option("row weights", (l, t) -> wide(l, t).reference(4).rowWeight()),
          new Option("ignored pairs", (l, t) -> wide(l, t).reference(4).ignore()),
          new Option("ignored pairs, weights", (l, t) -> wide(l, t).weights(DType.F32).ignore()),
          new Option("label smoothing", (l, t) -> wide(l.withLabelSmoothing(0.2), t).reference(4)),
          new Option(
              "sum", (l, t) -> wide(l.withReduction(Reduction.SUM), t).reference(4).upstream()),
          new Option(
              "none", (l, t) -> wide(l.withReduction(Reduction.NONE), t).reference(4).upstream()),
          new Option("normalised", (l, t) -> wide(l.withNormalize(true), t).reference(4)),
          new Option("stored", (l, t) -> wide(l.withPlan(Plan.STORE), t).reference(4)),
          new Option("recomputed", (l, t) -> wide(l.withPlan(Plan.RECOMPUTE), t).reference(4)),
          new Option(
              "coefficients",
              (l, t) -> wide(l.withRowCoefficient(0.3).withColumnCoefficient(0.7), t).reference(4)),
          new Option(
              "everything",
              (l, t) ->
                  wide(l.withLabelSmoothing(0.1).withNormalize(true).withMaxScale(50), t)
                      .reference(6)
                      .logScale(2)
                      .bias(17)
                      .rowWeight()
                      .upstream()
                      .ignore()));

  static Stream<Arguments> cases() {
    return Stream.of(DType.F32, DType.F64, DType.BF16, DType.F16)
        .flatMap(t -> OPTIONS.stream().map(o -> Arguments.of(o.name, t, o)));
  }

  @ParameterizedTest(name = "{0}, {1}")
  @MethodSource("cases")
  void agreesWithTheOracle(String name, DType dtype, Option option) {
    try (Case c = option.make.apply(Cwcl.of(0.3), dtype)) {
      Cases.check(context, c);
    }
  }
}
