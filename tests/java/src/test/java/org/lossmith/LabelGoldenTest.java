package org.lossmith;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.Arrays;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.lossmith.NormalizedSoftmax.Constraint;

/** The losses over labels on small problems, with values that float64 scripts computed. */
class LabelGoldenTest extends DeviceTest {
  private static final double PRINTED = 1e-9;

  private static final double[] SCORES = {2, 0.5, -1, 1, 0, -0.5, 1.5, 0.3, 2.2, -2};
  private static final double[] FEATURES = {1, -0.5, 0.3, 0.2, 0.8, -0.4};
  private static final double[] CLASSES = {
    0.6, 0.8, 0, 0, 1, 0, -0.8, 0, 0.6, 1 / 3., 2 / 3., 2 / 3.
  };
  private static final double SPHERE_LOSS = 7.145050710206245;
  private static final double[] GRAD_FEATURES = {
    -0.576812108598,
    -0.289807614452,
    1.439694337906,
    4.115268861903,
    -1.122564023492,
    -0.187493616033
  };
  private static final double[] GRAD_CLASSES = {
    -1.736367247222, 2.788592089134, -1.502452278767, 0.665370735635, 2.638537732546,
    -1.319013919495, -1.089279786838, -4.365256517817, 2.182718674136, 2.160276298424,
    -1.061873303863, 0.638747524127
  };
  private static final double[] TANGENT = {-2.449799241006, 1.837349430755, -1.502452278767};

  private Context context;
  private Tensor scores;
  private LabelSets positives;
  private Tensor features;
  private Tensor classes;
  private Tensor target;

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

  @BeforeEach
  void makeInputs() {
    scores = there(Tensor.of(SCORES, 2, 5));
    positives = LabelSets.of(device(), new long[] {0, 2, 3}, new long[] {0, 3, 1});
    features = there(Tensor.of(FEATURES, 2, 3));
    classes = there(Tensor.of(CLASSES, 4, 3));
    target = there(Tensor.of(new long[] {0, 2}));
  }

  @AfterEach
  void closeInputs() {
    for (Tensor tensor : new Tensor[] {scores, features, classes, target}) {
      tensor.close();
    }
    positives.close();
  }

  private LossResult evaluate(LabelLoss loss, String... wanted) {
    return loss.evaluate(context, LabelInputs.ofScores(scores, positives), wanted);
  }

  @Test
  void decoupledSoftmax() {
    double[] gradient = {
      -0.0724750193,
      0.1114836725,
      0.0248753697,
      -0.1315022884,
      0.0676182655,
      0.0194420453,
      -0.3563416369,
      0.0432690674,
      0.2892924176,
      0.0043381067
    };
    try (LossResult r = evaluate(DecoupledSoftmax.of(1), "x")) {
      assertEquals(0.89581426107695, r.loss(), 1e-13);
      assertArrayEquals(gradient, r.gradient("x").toDoubleArray(), PRINTED);
    }
  }

  @Test
  void softTopK() {
    double[] gradient = {
      -0.0151880877,
      0.0811564277,
      0.008666026,
      -0.1225935331,
      0.0479591671,
      0.0262719579,
      -0.1439662089,
      0.0859306089,
      0.0302976366,
      0.0014660055
    };
    try (LossResult r = evaluate(SoftTopK.of(1).withK(2), "x", "threshold")) {
      assertEquals(0.29084892099336845, r.loss(), 1e-12);
      assertArrayEquals(
          new double[] {-0.8455395645, -0.8907830511}, r.threshold().toDoubleArray(), PRINTED);
      double[] got = r.gradient("x").toDoubleArray();
      assertArrayEquals(gradient, got, PRINTED);
      assertEquals(0, Arrays.stream(got).limit(5).sum(), 1e-13, "a row sums to 0");
    }
  }

  @Test
  void multiLabelInfoNceAndBce() {
    try (LossResult infoNce = evaluate(MultiLabelInfoNce.of(1));
        LossResult bce = evaluate(MultiLabelBce.of(1))) {
      assertEquals(1.6980229878138426, infoNce.loss(), 1e-13);
      assertEquals(0.6382532388262525, bce.loss(), 1e-13);
    }
  }

  @Test
  void normalizedSoftmax() {
    LabelInputs inputs = LabelInputs.of(features, classes, target);
    NormalizedSoftmax loss = NormalizedSoftmax.of(10);
    try (LossResult r = loss.evaluate(context, inputs, "x", "labels")) {
      assertEquals(SPHERE_LOSS, r.loss(), 1e-13);
      assertArrayEquals(GRAD_FEATURES, r.gradient("x").toDoubleArray(), 1e-11);
      assertArrayEquals(GRAD_CLASSES, r.gradient("labels").toDoubleArray(), 1e-11);
    }
    for (Constraint constraint :
        new Constraint[] {Constraint.NORMALIZE_IN_FORWARD, Constraint.RIEMANNIAN}) {
      NormalizedSoftmax inside = loss.withConstraint(constraint);
      try (LossResult r = inside.evaluate(context, inputs, "labels")) {
        assertEquals(SPHERE_LOSS, r.loss(), 1e-13);
        double[] row = Arrays.copyOf(r.gradient("labels").toDoubleArray(), 3);
        assertArrayEquals(TANGENT, row, 1e-11);
      }
    }
  }

  @Test
  void normalizedSoftmaxProjectsAfterTheStep() {
    LabelInputs inputs = LabelInputs.of(features, classes, target);
    try (LossResult r =
        NormalizedSoftmax.of(10).evaluateAndUpdate(context, inputs, sgd(), null, 0, "x")) {
      assertEquals(SPHERE_LOSS, r.loss(), 1e-13);
      assertArrayEquals(GRAD_FEATURES, r.gradient("x").toDoubleArray(), 1e-11);
    }
    double[] got = classes.toDoubleArray();
    assertArrayEquals(
        new double[] {0.818823614089, 0.551579794975, 0.159020812428},
        Arrays.copyOf(got, 3),
        1e-11);
    assertArrayEquals(
        new double[] {-0.766038704087, 0.483879442774, 0.423137552933},
        Arrays.copyOfRange(got, 6, 9),
        1e-11);
  }

  @Test
  void withoutProjectionTheStepIsTheGradient() {
    LabelInputs inputs = LabelInputs.of(features, classes, target);
    NormalizedSoftmax free =
        NormalizedSoftmax.of(10).withConstraint(Constraint.NORMALIZE_IN_FORWARD);
    free.evaluateAndUpdate(context, inputs, sgd(), null, 0).close();
    double[] got = Arrays.copyOf(classes.toDoubleArray(), 3);
    double[] expected = new double[3];
    Arrays.setAll(expected, k -> CLASSES[k] - 0.1 * TANGENT[k]);
    assertArrayEquals(expected, got, 1e-11);
  }

  private static Update sgd() {
    return Update.sgd(0.1);
  }

  @Test
  void theLowestLossOfAScale() {
    assertEquals(1.3769, NormalizedSoftmax.lowestLoss(10, 1), 5e-5);
    assertEquals(1.34e-4, NormalizedSoftmax.lowestLoss(10, 10), 5e-7);
    for (long classes : new long[] {2, 10, 1_000_000}) {
      double scale = NormalizedSoftmax.lowestScale(classes, 0.01);
      assertEquals(0.01, NormalizedSoftmax.lowestLoss(classes, scale), 1e-12);
      double others = classes - 1.0;
      assertEquals(others / classes * Math.log(others / 0.01), scale, 0.01, "the approximation");
    }
    assertEquals(0, NormalizedSoftmax.lowestScale(10, 5));
  }
}
