package org.lossmith;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

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

/** InfoNCE with all its options, in all element types, against the oracle. */
class InfoNceTest extends DeviceTest {
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

  private static final InfoNce ROWS = InfoNce.of(0.3);
  private static final InfoNce BOTH = InfoNce.symmetric(0.3);

  private static Case square(InfoNce loss, DType dtype) {
    return new Case(loss, dtype, 13, 13, 10, 1);
  }

  private static Case wide(InfoNce loss, DType dtype) {
    return new Case(loss, dtype, 9, 17, 12, 2);
  }

  private record Option(String name, BiFunction<InfoNce, DType, Case> make) {}

  private static final List<Option> OPTIONS =
      List.of(
          new Option("plain", InfoNceTest::square),
          new Option("extra negatives", InfoNceTest::wide),
          new Option("one pair", (l, t) -> new Case(l, t, 1, 1, 4, 3)),
          new Option("one pair of many", (l, t) -> new Case(l, t, 1, 5, 4, 4)),
          new Option("larger than a tile", (l, t) -> new Case(l, t, 300, 333, 40, 5)),
          new Option("temperature", (l, t) -> square(l.withTemperature(0.05), t)),
          new Option("learned scale", (l, t) -> wide(l, t).logScale(1.5)),
          new Option("clamped scale", (l, t) -> wide(l.withMaxScale(3), t).logScale(2)),
          new Option("bias", (l, t) -> wide(l, t).bias(17)),
          new Option("one bias", (l, t) -> wide(l, t).bias(1)),
          new Option("row weights", (l, t) -> wide(l, t).rowWeight()),
          new Option("upstream", (l, t) -> wide(l, t).upstream()),
          new Option("ignored pairs", (l, t) -> wide(l, t).ignore()),
          new Option("label smoothing", (l, t) -> wide(l.withLabelSmoothing(0.2), t)),
          new Option("sum", (l, t) -> wide(l.withReduction(Reduction.SUM), t).upstream()),
          new Option("none", (l, t) -> wide(l.withReduction(Reduction.NONE), t).upstream()),
          new Option("normalised", (l, t) -> wide(l.withNormalize(true), t)),
          new Option("stored", (l, t) -> wide(l.withPlan(Plan.STORE), t)),
          new Option("recomputed", (l, t) -> wide(l.withPlan(Plan.RECOMPUTE), t)),
          new Option("coefficients", (l, t) -> wide(l.withColumnCoefficient(0.7), t)),
          new Option(
              "columns only", (l, t) -> square(InfoNce.symmetric(1).withRowCoefficient(0), t)),
          new Option(
              "everything",
              (l, t) ->
                  wide(l.withLabelSmoothing(0.1).withNormalize(true).withMaxScale(50), t)
                      .logScale(2)
                      .bias(17)
                      .rowWeight()
                      .upstream()
                      .ignore()));

  static Stream<Arguments> cases() {
    return Stream.of(DType.F32, DType.F64, DType.BF16, DType.F16)
        .flatMap(
            t ->
                OPTIONS.stream()
                    .flatMap(
                        o ->
                            Stream.of(
                                Arguments.of(o.name, t, "rows", o, ROWS),
                                Arguments.of(o.name, t, "both", o, BOTH))));
  }

  @ParameterizedTest(name = "{0}, {1}, {2}")
  @MethodSource("cases")
  void agreesWithTheOracle(
      String name, DType dtype, String directions, Option option, InfoNce loss) {
    try (Case c = option.make.apply(loss, dtype)) {
      Cases.check(context, c);
    }
  }

  @Test
  void twoByTwoByHand() {
    // Scores [[2, 0], [0, 2]]: every row loses ln(1 + e^-2).
    float[] identity = {1, 0, 0, 1};
    try (Tensor x = there(Tensor.of(identity, 2, 2));
        LossResult r = InfoNce.of(0.5).evaluate(context, x, x)) {
      assertEquals(Math.log1p(Math.exp(-2)), r.loss(), 1e-7);
      assertEquals(List.of("x", "y"), List.copyOf(r.gradients()));
    }
  }

  @Test
  void noPairsGiveZero() {
    try (Tensor x = there(Tensor.zeros(DType.F32, 0, 4));
        Tensor y = there(Tensor.of(new float[] {1, 2, 3, 4}, 1, 4));
        LossResult r = InfoNce.of(0.5).evaluate(context, x, y)) {
      assertEquals(0, r.loss());
      assertEquals(0, r.gradient("y").toFloatArray()[3]);
    }
  }

  @Test
  void nansPropagateIntoTheLoss() {
    try (Tensor x = there(Tensor.of(new float[] {1, Float.NaN}, 1, 2));
        Tensor y = there(Tensor.of(new float[] {1, 2, 3, 4}, 2, 2));
        LossResult r = InfoNce.of(0.5).evaluate(context, x, y)) {
      assertEquals(Double.NaN, r.loss());
    }
  }

  @Test
  void rowsOfZeroNormBecomeZeroWithoutGradient() {
    try (Tensor x = there(Tensor.of(new float[] {0, 0, 3, 4}, 2, 2));
        Tensor y = there(Tensor.of(new float[] {1, 0, 0, 1}, 2, 2));
        LossResult r = InfoNce.of(1).withNormalize(true).evaluate(context, x, y)) {
      assertTrue(r.gradient("x").toFloatArray()[0] == 0);
      assertTrue(r.gradient("x").toFloatArray()[1] == 0);
      double second = Math.log(Math.exp(0.6) + Math.exp(0.8)) - 0.8;
      assertEquals((Math.log(2) + second) / 2, r.loss(), 1e-6);
    }
  }

  @Test
  void slicesOfRowsAreInputsAndStridesAreObserved() {
    float[] padded = {1, 2, 9, 3, 4, 9, 5, 6, 9};
    try (Tensor all = there(Tensor.of(padded, 3, 3));
        Tensor x =
            Tensor.wrap(
                all.address(), device(), DType.F32, all, new long[] {3, 2}, new long[] {3, 1});
        Tensor tail = x.rows(1, 3);
        Tensor plain = there(Tensor.of(new float[] {3, 4, 5, 6}, 2, 2));
        LossResult strided = BOTH.evaluate(context, tail, tail);
        LossResult packed = BOTH.evaluate(context, plain, plain)) {
      assertEquals(packed.loss(), strided.loss());
    }
  }
}
