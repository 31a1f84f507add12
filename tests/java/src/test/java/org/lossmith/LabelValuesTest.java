package org.lossmith;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.lossmith.NormalizedSoftmax.Constraint;

/** The losses over labels as values: factories, components, ranges. */
class LabelValuesTest {
  private static final PositiveSelection ALL = PositiveSelection.ALL;
  private static final PositiveSelection SOME = new PositiveSelection(true, 3, 4);
  private static final Scoring ONE = Scoring.of(1);
  private static final Scoring OTHER =
      new Scoring(2, 3, 4, true, true, Reduction.SUM, Plan.STORE, 0.5);

  @Test
  void factoriesAreThePapersLosses() {
    double inf = Double.POSITIVE_INFINITY;
    assertEquals(new Scoring(1, inf, 0, false, false, Reduction.MEAN, Plan.AUTO, 0), ONE);
    assertEquals(new PositiveSelection(false, 0, 0), ALL);
    assertEquals(new PositiveSelection(false, 2, 7), PositiveSelection.sampled(2, 7));
    assertEquals(new DecoupledSoftmax(true, ALL, ONE), DecoupledSoftmax.of(1));
    assertEquals(new SoftTopK(2, 5, false, true, ALL, ONE), SoftTopK.of(1));
    assertEquals(new MultiLabelInfoNce(ALL, ONE), MultiLabelInfoNce.of(1));
    assertEquals(new SupCon(ALL, ONE), SupCon.of(1));
    assertEquals(new MultiLabelBce(ALL, ONE), MultiLabelBce.of(1));
    assertEquals(new SoftmaxCrossEntropy(0, 0, -100, ONE), SoftmaxCrossEntropy.of(1));
    assertEquals(
        new NormalizedSoftmax(Constraint.PROJECT, 0, -100, Scoring.of(0.1)),
        NormalizedSoftmax.of(10));
  }

  @Test
  void withersChangeOneComponent() {
    assertEquals(
        OTHER,
        ONE.withTemperature(2)
            .withMaxScale(3)
            .withSoftcap(4)
            .withNormalizeX(true)
            .withNormalizeLabels(true)
            .withReduction(Reduction.SUM)
            .withPlan(Plan.STORE)
            .withFilter(0.5));
    assertEquals(SOME, ALL.withWeighted(true).withSample(3).withSeed(4));
    assertEquals(
        new DecoupledSoftmax(false, SOME, OTHER),
        DecoupledSoftmax.of(1).withAverage(false).withPositives(SOME).withScoring(OTHER));
    assertEquals(
        new SoftTopK(3, 4, true, false, SOME, OTHER),
        SoftTopK.of(OTHER)
            .withAlpha(3)
            .withK(4)
            .withPlain(true)
            .withAverage(false)
            .withPositives(SOME));
    assertEquals(
        new MultiLabelInfoNce(SOME, OTHER), MultiLabelInfoNce.of(OTHER).withPositives(SOME));
    assertEquals(new SupCon(SOME, OTHER), SupCon.of(1).withPositives(SOME).withScoring(OTHER));
    assertEquals(new MultiLabelBce(SOME, OTHER), MultiLabelBce.of(OTHER).withPositives(SOME));
    assertEquals(
        new SoftmaxCrossEntropy(0.1, 0.2, 3, OTHER),
        SoftmaxCrossEntropy.of(1)
            .withLabelSmoothing(0.1)
            .withZWeight(0.2)
            .withIgnoreIndex(3)
            .withScoring(OTHER));
    assertEquals(
        new NormalizedSoftmax(Constraint.RIEMANNIAN, 0.1, 3, OTHER),
        NormalizedSoftmax.of(10)
            .withConstraint(Constraint.RIEMANNIAN)
            .withLabelSmoothing(0.1)
            .withIgnoreIndex(3)
            .withScoring(OTHER));
  }

  @Test
  void theConstraintDecidesAboutNormalisation() {
    for (Constraint constraint : Constraint.values()) {
      NormalizedSoftmax loss = NormalizedSoftmax.of(20).withConstraint(constraint);
      assertTrue(loss.scoring().normalizeX());
      assertEquals(constraint != Constraint.PROJECT, loss.scoring().normalizeLabels());
      assertEquals(constraint.normalizes(), loss.scoring().normalizeLabels());
      assertEquals(constraint != Constraint.NORMALIZE_IN_FORWARD, constraint.projects());
      assertEquals(20, loss.scale());
      assertEquals(4, loss.withScale(4).scale());
    }
    assertFalse(NormalizedSoftmax.of(OTHER).scoring().normalizeLabels());
  }

  static Stream<Arguments> badHyperparameters() {
    return Stream.of(
        bad("temperature", "0.0", () -> DecoupledSoftmax.of(0)),
        bad("temperature", "NaN", () -> SupCon.of(Double.NaN)),
        bad("maxScale", "0.0", () -> ONE.withMaxScale(0)),
        bad("softcap", "-1.0", () -> ONE.withSoftcap(-1)),
        bad("softcap", "Infinity", () -> ONE.withSoftcap(Double.POSITIVE_INFINITY)),
        bad("reduction", "null", () -> ONE.withReduction(null)),
        bad("plan", "null", () -> ONE.withPlan(null)),
        bad("filter", "-1.0", () -> ONE.withFilter(-1)),
        bad("sample", "-1", () -> ALL.withSample(-1)),
        bad("positives", "null", () -> DecoupledSoftmax.of(1).withPositives(null)),
        bad("scoring", "null", () -> MultiLabelBce.of((Scoring) null)),
        bad("alpha", "0.0", () -> SoftTopK.of(1).withAlpha(0)),
        bad("k", "-1", () -> SoftTopK.of(1).withK(-1)),
        bad("labelSmoothing", "1.0", () -> SoftmaxCrossEntropy.of(1).withLabelSmoothing(1)),
        bad("labelSmoothing", "-0.1", () -> NormalizedSoftmax.of(1).withLabelSmoothing(-0.1)),
        bad("zWeight", "-1.0", () -> SoftmaxCrossEntropy.of(1).withZWeight(-1)),
        bad("constraint", "null", () -> NormalizedSoftmax.of(1).withConstraint(null)),
        bad("scale", "0.0", () -> NormalizedSoftmax.of(0)),
        bad("scale", "NaN", () -> NormalizedSoftmax.of(1).withScale(Double.NaN)),
        bad("classes", "1", () -> NormalizedSoftmax.lowestLoss(1, 1)),
        bad("loss", "0.0", () -> NormalizedSoftmax.lowestScale(2, 0)));
  }

  private static Arguments bad(String name, String got, Executable make) {
    return Arguments.of(name, got, make);
  }

  @ParameterizedTest
  @MethodSource("badHyperparameters")
  void badHyperparametersAreNamed(String name, String got, Executable make) {
    String message = assertThrows(IllegalArgumentException.class, make).getMessage();
    assertTrue(message.startsWith(name + ": expected "), message);
    assertTrue(message.endsWith(", got " + got), message);
  }
}
