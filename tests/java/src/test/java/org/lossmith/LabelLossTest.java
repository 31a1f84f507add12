package org.lossmith;

import java.util.List;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.lossmith.LabelCases.Case;

/** The losses over labels with all their options, in all element types, against the oracle. */
class LabelLossTest extends DeviceTest {
  static final List<LabelLoss> LOSSES =
      List.of(
          DecoupledSoftmax.of(0.3),
          SoftTopK.of(0.3).withK(3),
          MultiLabelInfoNce.of(0.3),
          SupCon.of(0.3),
          MultiLabelBce.of(0.3),
          SoftmaxCrossEntropy.of(0.3),
          NormalizedSoftmax.of(4));

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

  /** How a case is made from a loss, on the device, in an element type. */
  private interface Make {
    Case of(LabelLoss loss, Device device, DType dtype);
  }

  private record Option(String name, Make make) {}

  static Case small(LabelLoss loss, Device device, DType dtype) {
    return Case.of(loss, device, dtype, 9, 23, 10, 1);
  }

  static LabelLoss with(LabelLoss loss, UnaryOperator<Scoring> change) {
    return loss.withScoring(change.apply(loss.scoring()));
  }

  private static final List<Option> OPTIONS =
      List.of(
          new Option("plain", LabelLossTest::small),
          new Option("larger than a tile", (l, d, t) -> Case.of(l, d, t, 101, 530, 6, 2)),
          new Option("one row", (l, d, t) -> Case.of(l, d, t, 1, 7, 3, 3)),
          new Option("sum", (l, d, t) -> small(with(l, s -> s.withReduction(Reduction.SUM)), d, t)),
          new Option(
              "none",
              (l, d, t) -> small(with(l, s -> s.withReduction(Reduction.NONE)), d, t).upstream()),
          new Option(
              "clamped scale",
              (l, d, t) -> small(with(l, s -> s.withMaxScale(3)), d, t).logScale(2)),
          new Option("softcap", (l, d, t) -> small(with(l, s -> s.withSoftcap(1.5)), d, t)),
          new Option("one bias", (l, d, t) -> small(l, d, t).bias(1)),
          new Option("ignored", (l, d, t) -> small(l, d, t).ignored()),
          new Option("candidates", (l, d, t) -> small(l, d, t).candidates()),
          new Option("stored", (l, d, t) -> small(with(l, s -> s.withPlan(Plan.STORE)), d, t)),
          new Option(
              "recomputed", (l, d, t) -> small(with(l, s -> s.withPlan(Plan.RECOMPUTE)), d, t)),
          new Option(
              "everything",
              (l, d, t) ->
                  small(with(l, s -> s.withNormalizeX(true).withSoftcap(4)), d, t)
                      .logScale(1)
                      .bias(23)
                      .rowWeight()
                      .upstream()
                      .ignored()
                      .candidates()));

  static Stream<Arguments> cases() {
    return Stream.of(DType.F32, DType.F64, DType.BF16, DType.F16)
        .flatMap(
            type ->
                OPTIONS.stream()
                    .filter(option -> isTold(option, type))
                    .flatMap(
                        option ->
                            LOSSES.stream()
                                .map(
                                    loss ->
                                        Arguments.of(
                                            name(loss), option.name, type, option, loss))));
  }

  /** The narrow types take the same way through all options but the products. */
  private static boolean isTold(Option option, DType type) {
    boolean narrow = type == DType.BF16 || type == DType.F16;
    return !narrow || List.of("plain", "everything").contains(option.name);
  }

  static String name(LabelLoss loss) {
    return loss.getClass().getSimpleName();
  }

  @ParameterizedTest(name = "{0}, {1}, {2}")
  @MethodSource("cases")
  void agreesWithTheOracle(
      String loss, String name, DType dtype, Option option, LabelLoss evaluated) {
    try (Case c = option.make.of(evaluated, device(), dtype)) {
      LabelCases.check(context, c);
    }
  }

  static Stream<Arguments> ownOptions() {
    PositiveSelection weighted = PositiveSelection.ALL.withWeighted(true);
    Scoring unit = Scoring.of(0.2).withNormalizeX(true).withNormalizeLabels(true);
    return Stream.of(
        own("weighted", DecoupledSoftmax.of(0.3).withPositives(weighted), c -> c),
        own("summed", DecoupledSoftmax.of(0.3).withAverage(false), c -> c),
        own("unit rows", DecoupledSoftmax.of(unit), c -> c),
        own("weighted", SoftTopK.of(0.3).withPositives(weighted), c -> c),
        own("summed", SoftTopK.of(0.3).withAverage(false), c -> c),
        own("plain", SoftTopK.of(0.3).withPlain(true), c -> c),
        own("steep", SoftTopK.of(0.3).withAlpha(5).withK(1), c -> c),
        own("a k for each row", SoftTopK.of(0.3).withK(0), Case::kRows),
        own("weighted", MultiLabelInfoNce.of(0.3).withPositives(weighted), c -> c),
        own("weighted", SupCon.of(unit).withPositives(weighted), c -> c),
        own("weighted", MultiLabelBce.of(0.3).withPositives(weighted), c -> c),
        own("smoothed", SoftmaxCrossEntropy.of(0.3).withLabelSmoothing(0.1), Case::ignored),
        own("regularised", SoftmaxCrossEntropy.of(0.3).withZWeight(0.01), c -> c),
        own("class weights", SoftmaxCrossEntropy.of(0.3), Case::classWeight),
        own("another index", SoftmaxCrossEntropy.of(0.3).withIgnoreIndex(3), c -> unignored(c, 3)),
        own(
            "distribution",
            SoftmaxCrossEntropy.of(0.3).withLabelSmoothing(0.1).withZWeight(0.01),
            c -> c.softTarget().classWeight()),
        own(
            "forward",
            NormalizedSoftmax.of(4)
                .withConstraint(NormalizedSoftmax.Constraint.NORMALIZE_IN_FORWARD),
            c -> c),
        own(
            "riemannian",
            NormalizedSoftmax.of(4).withConstraint(NormalizedSoftmax.Constraint.RIEMANNIAN),
            Case::classWeight));
  }

  private interface Change {
    Case of(Case c);
  }

  private static Arguments own(String name, LabelLoss loss, Change change) {
    return Arguments.of(name(loss), name, loss, change);
  }

  /** Without the target that other tests ignore. */
  private static Case unignored(Case c, long instead) {
    c.problem.target[2] = instead;
    return c.target();
  }

  @ParameterizedTest(name = "{0}, {1}")
  @MethodSource("ownOptions")
  void ownOptionsAgreeWithTheOracle(String name, String option, LabelLoss loss, Change change) {
    for (DType dtype : new DType[] {DType.F32, DType.F64}) {
      try (Case c = change.of(small(loss, device(), dtype))) {
        LabelCases.check(context, c);
      }
    }
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("scored")
  void givenScoresAgreeWithTheOracle(String name, LabelLoss loss) {
    for (DType dtype : new DType[] {DType.F32, DType.F64, DType.BF16}) {
      try (Case c = Case.ofScores(loss, device(), dtype, 7, 31, 4).bias(31).ignored()) {
        LabelCases.check(context, c);
      }
    }
  }

  static Stream<Arguments> scored() {
    return LOSSES.stream()
        .filter(loss -> !(loss instanceof NormalizedSoftmax))
        .map(loss -> Arguments.of(name(loss), loss));
  }
}
