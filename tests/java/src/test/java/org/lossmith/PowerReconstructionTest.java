package org.lossmith;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.lossmith.quantization.Annealing;
import org.lossmith.quantization.Annealing.Schedule;
import org.lossmith.quantization.LearningRates;
import org.lossmith.quantization.PowerReconstruction;
import org.lossmith.quantization.Reconstruction;
import org.lossmith.quantization.SecondMoments;

/** Quantization of one layer after data. */
class PowerReconstructionTest extends DeviceTest {
  private static final PowerQuantizer THREE_BITS =
      PowerQuantizer.of(3).withGroups(Groups.perChannel(0));

  private static float[] normals(int count, long seed) {
    Random random = new Random(seed);
    float[] values = new float[count];
    for (int i = 0; i < count; i++) {
      values[i] = (float) random.nextGaussian();
    }
    return values;
  }

  /** Rows whose elements go up and down together, as those of a trained network do. */
  private static float[] inputs(int rows, int columns, long seed) {
    float[] common = normals(rows, seed);
    float[] values = normals(rows * columns, seed + 1);
    for (int i = 0; i < values.length; i++) {
      values[i] = 0.4f * values[i] + common[i / columns] * (1 + i % columns % 3);
    }
    return values;
  }

  private Tensor matrix(float[] values, int columns) {
    return there(Tensor.of(values, values.length / columns, columns));
  }

  /** (1/m) |X^ W^^T - X W^T|^2 by its definition. */
  private static double error(float[] w, float[] v, float[] x, float[] z, int columns) {
    double sum = 0;
    for (int row = 0; row < x.length / columns; row++) {
      for (int n = 0; n < w.length / columns; n++) {
        double difference = 0;
        for (int j = 0; j < columns; j++) {
          difference += (double) z[row * columns + j] * v[n * columns + j];
          difference -= (double) x[row * columns + j] * w[n * columns + j];
        }
        sum += difference * difference;
      }
    }
    return sum / (x.length / columns);
  }

  private SecondMoments moments(Context context, float[] x, float[] z, int columns) {
    SecondMoments moments = SecondMoments.of(device(), columns);
    int half = x.length / columns / 2 * columns;
    for (int[] part : new int[][] {{0, half}, {half, x.length}}) {
      try (Tensor a = matrix(Arrays.copyOfRange(x, part[0], part[1]), columns);
          Tensor b = z == null ? null : matrix(Arrays.copyOfRange(z, part[0], part[1]), columns)) {
        moments.add(context, a, b);
      }
    }
    assertEquals(x.length / columns, moments.rows());
    return moments;
  }

  @Test
  void theErrorsAreThoseOfTheOutputs() {
    int columns = 7;
    float[] w = normals(5 * columns, 1);
    float[] x = inputs(40, columns, 2);
    float[] held = inputs(30, columns, 3);
    float[] z = x.clone();
    float[] heldZ = held.clone();
    for (int i = 0; i < z.length; i++) {
      z[i] += 0.1f * (i % 5 - 1);
    }
    for (int i = 0; i < heldZ.length; i++) {
      heldZ[i] += 0.1f * (i % 5 - 1);
    }
    PowerReconstruction some =
        PowerReconstruction.of(THREE_BITS).withIterations(times(120, 20)).withPatience(5, 99);
    try (Context context = Context.of(device());
        Tensor weights = matrix(w, columns);
        SecondMoments alone = moments(context, x, null, columns);
        SecondMoments pairs = moments(context, x, z, columns);
        SecondMoments heldOut = moments(context, held, heldZ, columns);
        PowerParameters start = PowerSearch.of(THREE_BITS).search(context, weights);
        Tensor nearest = THREE_BITS.fakeQuantize(context, weights, start);
        Reconstruction plain = some.run(context, weights, alone);
        Reconstruction paired = some.run(context, weights, start, pairs, heldOut, null);
        Tensor plainValues = values(context, plain);
        Tensor pairedValues = values(context, paired)) {
      float[] first = nearest.toFloatArray();
      float[] after = plainValues.toFloatArray();
      expectNear(error(w, first, x, x, columns), plain.calibrationBefore());
      expectNear(error(w, after, x, x, columns), plain.calibrationAfter());
      assertTrue(Double.isNaN(plain.heldOutBefore()) && Double.isNaN(plain.heldOutAfter()));
      after = pairedValues.toFloatArray();
      expectNear(error(w, first, x, z, columns), paired.calibrationBefore());
      expectNear(error(w, after, x, z, columns), paired.calibrationAfter());
      expectNear(error(w, first, held, heldZ, columns), paired.heldOutBefore());
      expectNear(error(w, after, held, heldZ, columns), paired.heldOutAfter());
    }
  }

  private static void expectNear(double expected, double got) {
    assertEquals(expected, got, 2e-4 * expected);
  }

  private static Tensor values(Context context, Reconstruction layer) {
    return THREE_BITS.dequantize(context, layer.codes(), layer.parameters());
  }

  @Test
  void learnsWhatRoundingCannotKnow() {
    int columns = times(24, 12);
    int outputs = times(16, 3);
    float[] w = normals(outputs * columns, 4);
    try (Context context = Context.of(device());
        Tensor weights = matrix(w, columns);
        SecondMoments moments = moments(context, inputs(400, columns, 5), null, columns);
        SecondMoments heldOut = moments(context, inputs(400, columns, 6), null, columns)) {
      for (boolean straight : new boolean[] {false, true}) {
        PowerReconstruction settings =
            PowerReconstruction.of(THREE_BITS)
                .withIterations(times(400, 60))
                .withRates(new LearningRates(times(3, 10) * 0.01, 1e-3, 1e-3, 0.2, 1.5))
                .withAnnealing(straight ? Annealing.straightThrough() : Annealing.soft());
        List<Integer> heard = new ArrayList<>();
        try (Reconstruction layer =
            settings.run(
                context, weights, null, moments, heldOut, (i, soft, hard, a) -> heard.add(i))) {
          String found = straight + " " + layer;
          assertTrue(layer.calibrationAfter() < 0.6 * layer.calibrationBefore(), found);
          assertTrue(layer.heldOutAfter() < 0.7 * layer.heldOutBefore(), found);
          assertTrue(layer.best() > 0 && heard.contains(layer.best()), heard + found);
          assertEquals(layer.iterations(), heard.get(heard.size() - 1));
        }
      }
    }
  }

  /** The size of weights and inputs is no matter, nor are the threads. */
  @Test
  void theSameCodesWhateverTheUnitsAndTheThreads() {
    int columns = 6;
    float[] w = normals(4 * columns, 7);
    float[] x = inputs(50, columns, 8);
    PowerReconstruction settings =
        PowerReconstruction.of(THREE_BITS).withIterations(times(100, 10));
    byte[] codes = null;
    for (int round = 0; round < 3; round++) {
      float weightUnit = round < 2 ? 1 : 0x1p-10f;
      float inputUnit = round < 2 ? 1 : 0x1p-6f;
      try (Context context = Context.builder().device(device()).threads(1 + round % 2).build();
          Tensor weights = matrix(times(w, weightUnit), columns);
          SecondMoments moments = moments(context, times(x, inputUnit), null, columns);
          Reconstruction layer = settings.run(context, weights, moments)) {
        codes = codes == null ? layer.codes().toByteArray() : codes;
        assertArrayEquals(codes, layer.codes().toByteArray());
      }
    }
  }

  private static float[] times(float[] values, float unit) {
    float[] scaled = values.clone();
    for (int i = 0; i < scaled.length; i++) {
      scaled[i] *= unit;
    }
    return scaled;
  }

  @Test
  void withoutIterationsItRounds() {
    try (Context context = Context.of(device());
        Tensor weights = matrix(normals(30, 9), 5);
        SecondMoments moments = moments(context, inputs(20, 5, 10), null, 5);
        PowerParameters start = THREE_BITS.parameters(context, weights, 0.7);
        Tensor codes = THREE_BITS.quantize(context, weights, start);
        Reconstruction layer =
            PowerReconstruction.of(THREE_BITS)
                .withIterations(0)
                .run(context, weights, start, moments, null, null)) {
      assertArrayEquals(codes.toByteArray(), layer.codes().toByteArray());
      assertArrayEquals(start.scale().toFloatArray(), layer.parameters().scale().toFloatArray());
      assertArrayEquals(new float[] {0.7f}, layer.parameters().exponent().toFloatArray());
      assertEquals(0, layer.best());
      assertEquals(layer.calibrationBefore(), layer.calibrationAfter());
    }
  }

  @Test
  void scalesAndExponentsStayWhereTheyAreToldTo() {
    int columns = 8;
    PowerReconstruction settings = PowerReconstruction.of(THREE_BITS).withIterations(40);
    try (Context context = Context.of(device());
        Tensor weights = matrix(normals(3 * columns, 11), columns);
        SecondMoments moments = moments(context, inputs(60, columns, 12), null, columns);
        PowerParameters start = PowerSearch.of(THREE_BITS).search(context, weights);
        Reconstruction fixed =
            settings
                .withRates(new LearningRates(0.1, 0, 0, 0.2, 1.5))
                .withPatience(1, 99)
                .run(context, weights, start, moments, null, null);
        Reconstruction bounded =
            settings
                .withRates(new LearningRates(0.1, 0.01, 0.5, 0.9, 0.95))
                .withPatience(1, 99)
                .run(context, weights, start, moments, null, null)) {
      assertArrayEquals(start.scale().toFloatArray(), fixed.parameters().scale().toFloatArray());
      assertArrayEquals(
          start.exponent().toFloatArray(), fixed.parameters().exponent().toFloatArray());
      assertTrue(fixed.best() > 0, fixed.toString());
      assertTrue(bounded.best() > 0, bounded.toString());
      for (float exponent : bounded.parameters().exponent().toFloatArray()) {
        assertTrue(exponent >= 0.9f && exponent <= 0.95f, "exponent " + exponent);
      }
    }
  }

  /** Codes of white inputs are right as they are; the run finds nothing, and ends early. */
  @Test
  void isNeverWorseThanTheStartAndEndsEarly() {
    int columns = 6;
    float[] unit = new float[columns * columns];
    for (int i = 0; i < columns; i++) {
      unit[i * columns + i] = 1;
    }
    PowerQuantizer plain = PowerQuantizer.of(4);
    try (Context context = Context.of(device());
        Tensor weights = matrix(normals(2 * columns, 13), columns);
        SecondMoments moments = moments(context, unit, null, columns);
        Reconstruction layer =
            PowerReconstruction.of(plain)
                .withRates(LearningRates.codesOnly())
                .withIterations(times(400, 40))
                .withPatience(times(20, 2), 2)
                .withAnnealing(new Annealing(2, 20, 0.1, Schedule.COSINE))
                .run(context, weights, moments)) {
      assertEquals(layer.calibrationBefore(), layer.calibrationAfter());
      assertEquals(0, layer.best());
      assertTrue(layer.iterations() < times(400, 40), layer.toString());
    }
  }

  /** Inputs that are always 0, fewer rows than inputs, and a channel of zeros. */
  @Test
  void deadInputsAndChannelsDoNoHarm() {
    int columns = 9;
    float[] w = normals(4 * columns, 14);
    Arrays.fill(w, columns, 2 * columns, 0);
    float[] x = inputs(4, columns, 15);
    for (int i = 0; i < x.length; i += columns) {
      x[i] = 0;
    }
    try (Context context = Context.of(device());
        Tensor weights = matrix(w, columns);
        SecondMoments moments = moments(context, x, null, columns);
        Reconstruction layer =
            PowerReconstruction.of(THREE_BITS)
                .withIterations(times(200, 10))
                .run(context, weights, moments);
        Tensor values = values(context, layer)) {
      assertTrue(layer.calibrationAfter() <= layer.calibrationBefore(), layer.toString());
      float[] v = values.toFloatArray();
      for (int i = columns; i < 2 * columns; i++) {
        assertEquals(0, v[i]);
      }
      for (float value : v) {
        assertTrue(Float.isFinite(value), Arrays.toString(v));
      }
    }
  }

  private static void expect(String message, Runnable call) {
    String got = assertThrows(IllegalArgumentException.class, call::run).getMessage();
    assertTrue(got.startsWith(message), got);
  }

  @Test
  void refusesByName() {
    PowerReconstruction settings = PowerReconstruction.of(THREE_BITS);
    try (Context context = Context.of(device());
        Tensor weights = matrix(normals(12, 16), 4);
        Tensor four = there(Tensor.of(normals(16, 16), 4, 2, 2, 1));
        Tensor vector = Tensor.zeros(device(), DType.F32, 4);
        Tensor infinite = matrix(new float[] {1, 2, 3, Float.POSITIVE_INFINITY}, 4);
        SecondMoments nothing = SecondMoments.of(device(), 4);
        SecondMoments moments = moments(context, inputs(8, 4, 17), null, 4);
        SecondMoments wide = moments(context, inputs(8, 5, 17), null, 5);
        SecondMoments grouped = SecondMoments.ofGroups(device(), 2, 4);
        Tensor inputs = matrix(inputs(2, 4, 18), 4);
        Tensor one = there(Tensor.of(new float[] {1}));
        Tensor infinity = there(Tensor.of(new float[] {Float.POSITIVE_INFINITY}));
        PowerParameters endless = PowerParameters.of(infinity, one);
        SecondMoments unseen = moments(context, new float[] {1, 2, Float.NaN, 4}, null, 4);
        PowerParameters two = PowerParameters.of(vector, vector)) {
      expect("weights: expected a value, got null", () -> settings.run(context, null, moments));
      expect("weights: expected elements", () -> settings.run(context, vector, moments));
      expect("weights: expected finite elements", () -> settings.run(context, infinite, moments));
      expect(
          "start: expected finite elements",
          () -> settings.run(context, infinite, endless, moments, null, null));
      expect(
          "weights: expected finite weights, parameters and inputs",
          () -> settings.run(context, weights, null, unseen, null, null));
      expect("calibration: expected a value", () -> settings.run(context, weights, null));
      expect(
          "calibration: expected at least one row", () -> settings.run(context, weights, nothing));
      expect(
          "calibration: expected moments of 4 columns", () -> settings.run(context, weights, wide));
      expect(
          "heldOut: expected moments of 4 columns",
          () -> settings.run(context, weights, null, moments, wide, null));
      expect(
          "start: expected 3 scales, got 4",
          () -> settings.run(context, weights, two, moments, null, null));
      expect(
          "groups: expected per tensor or axis 0",
          () ->
              PowerReconstruction.of(PowerQuantizer.of(4).withGroups(Groups.perChannel(1)))
                  .run(context, four, moments));
      expect("x: expected [m, 5]", () -> wide.add(context, inputs));
      expect("quantized: expected null, as", () -> moments.add(context, inputs, inputs));
      expect("groups: expected 1 for rows", () -> grouped.add(context, inputs));
    }
    expect("quantizer: expected a value", () -> PowerReconstruction.of(null));
    expect(
        "quantizer: expected signed codes",
        () -> PowerReconstruction.of(PowerQuantizer.of(4).withRange(PowerRange.UNSIGNED)));
    expect("iterations: ", () -> settings.withIterations(-1));
    expect("annealing: expected a value", () -> settings.withAnnealing(null));
    expect("rates: expected a value", () -> settings.withRates(null));
    expect("beta: expected 0 < lowestBeta", () -> new Annealing(3, 2, 0, Schedule.LINEAR));
    expect("beta: expected 0 < lowestBeta", () -> new Annealing(0, 2, 0, Schedule.LINEAR));
    expect("highestPull: ", () -> new Annealing(1, 2, 1.5, Schedule.LINEAR));
    expect("schedule: ", () -> new Annealing(1, 2, 1, null));
    expect("codes: ", () -> new LearningRates(-1, 0, 0, 0.2, 1));
    expect("scale: ", () -> new LearningRates(0, Double.NaN, 0, 0.2, 1));
    expect("exponent: ", () -> new LearningRates(0, 0, -1, 0.2, 1));
    expect("exponents: ", () -> new LearningRates(0, 0, 0, 1, 0.5));
    expect("damping: ", () -> settings.withDamping(-1));
    expect("interval: ", () -> settings.withPatience(0, 1));
    expect("patience: ", () -> settings.withPatience(1, 0));
  }
}
