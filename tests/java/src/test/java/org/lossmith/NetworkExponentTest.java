package org.lossmith;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.lossmith.quantization.NetworkExponent;

/** One exponent for several tensors. */
class NetworkExponentTest {
  private static final PowerSearch SEARCH =
      PowerSearch.of(PowerQuantizer.of(4).withGroups(Groups.perChannel(0))).withGrid(23, 2);

  /** Numbers whose tails are the heavier the larger the power is. */
  private static Tensor numbers(long seed, double power, long... shape) {
    Random random = new Random(seed);
    float[] values = new float[Math.toIntExact(Arrays.stream(shape).reduce(1, (a, b) -> a * b))];
    for (int i = 0; i < values.length; i++) {
      double normal = random.nextGaussian();
      values[i] = (float) (Math.signum(normal) * Math.pow(Math.abs(normal), power));
    }
    return Tensor.of(values, shape);
  }

  /** The error of a tensor at an exponent, by the values themselves. */
  private static double error(Context context, PowerQuantizer quantizer, Tensor w, double a) {
    try (PowerParameters parameters = quantizer.parameters(context, w, a);
        Tensor out = quantizer.fakeQuantize(context, w, parameters)) {
      double[] before = w.toDoubleArray();
      double[] after = out.toDoubleArray();
      double sum = 0;
      for (int i = 0; i < before.length; i++) {
        sum += (before[i] - after[i]) * (before[i] - after[i]);
      }
      return sum;
    }
  }

  @Test
  void findsTheLeastSumOfErrors() {
    try (Context context = Context.cpu();
        Tensor first = numbers(1, 1, 8, 40);
        Tensor second = numbers(2, 2, 4, 3, 3, 3)) {
      NetworkExponent network = NetworkExponent.of(SEARCH);
      assertArrayEquals(new double[] {(float) 0.1, (float) 0.15}, firstTwo(network), 1e-9);
      double best = network.search(context, List.of(first, second));
      assertEquals(best, network.exponent());
      double[] exponents = network.exponents();
      double[] errors = network.errors();
      assertTrue(exponents.length > 23 + 2 * 4 && exponents.length <= 23 + 2 * 9);
      for (int i = 0; i < exponents.length; i++) {
        double expected =
            error(context, SEARCH.quantizer(), first, exponents[i])
                + error(context, SEARCH.quantizer(), second, exponents[i]);
        assertEquals(expected, errors[i], 1e-5 * expected);
        assertTrue(network.error() <= errors[i]);
        assertTrue(i == 0 || exponents[i] > exponents[i - 1]);
      }
      // Between what either tensor wants alone.
      double one = NetworkExponent.of(SEARCH).search(context, List.of(first));
      double other = NetworkExponent.of(SEARCH).search(context, List.of(second));
      assertTrue(other < one);
      assertTrue(best >= other - 0.1 && best <= one + 0.1, other + " " + best + " " + one);
      assertThrows(IllegalStateException.class, () -> network.add(context, first));
    }
  }

  private static double[] firstTwo(NetworkExponent network) {
    return Arrays.copyOf(network.candidates(), 2);
  }

  @Test
  void factorsWeighTensors() {
    try (Context context = Context.cpu();
        Tensor first = numbers(3, 1, 8, 40);
        Tensor second = numbers(4, 2, 8, 40)) {
      NetworkExponent network = NetworkExponent.of(SEARCH);
      do {
        network.add(context, first, 1);
        network.add(context, second, 0);
      } while (network.refine());
      NetworkExponent alone = NetworkExponent.of(SEARCH);
      assertEquals(alone.search(context, List.of(first)), network.exponent());
      assertEquals(alone.error(), network.error());
    }
  }

  @Test
  void clipRatiosAreChosenForEachGroup() {
    PowerSearch clipping = SEARCH.withClips(8, 0.1);
    try (Context context = Context.cpu();
        Tensor w = numbers(5, 3, 6, 50)) {
      NetworkExponent network = NetworkExponent.of(clipping);
      double a = network.search(context, List.of(w));
      NetworkExponent whole = NetworkExponent.of(SEARCH);
      whole.search(context, List.of(w));
      assertTrue(network.error() <= whole.error());
      try (PowerParameters parameters = network.parameters(context, w);
          Tensor scales = clipping.quantizer().scales(context, w)) {
        assertEquals(a, parameters.exponent().item());
        double[] chosen = parameters.scale().toDoubleArray();
        double[] largest = scales.toDoubleArray();
        for (int i = 0; i < chosen.length; i++) {
          double steps = (1 - chosen[i] / largest[i]) / 0.1;
          assertEquals(Math.rint(steps), steps, 1e-4);
        }
        double[] errors = clipping.errors(context, w, parameters.scale(), a);
        assertEquals(network.error(), Arrays.stream(errors).sum(), 1e-4 * network.error());
      }
    }
  }

  @Test
  void groupsOfColumnsAreTakenInBlocksOfRows() {
    PowerSearch many =
        PowerSearch.of(PowerQuantizer.of(4).withGroups(Groups.ofColumns(1))).withGrid(1024, 0);
    try (Context context = Context.cpu();
        Tensor w = numbers(6, 1, 100, 50)) {
      // Every element is a group of its own: all exponents are exact, the lowest is taken.
      NetworkExponent network = NetworkExponent.of(many);
      assertEquals((float) 0.1, network.search(context, List.of(w)));
      assertEquals(0, network.error());
    }
  }

  @Test
  void refusesByName() {
    NetworkExponent network = NetworkExponent.of(SEARCH);
    expect("search: ", () -> NetworkExponent.of(null));
    assertThrows(IllegalStateException.class, network::refine);
    assertThrows(IllegalStateException.class, network::exponent);
    try (Context context = Context.cpu();
        Tensor w = numbers(7, 1, 2, 3);
        Tensor nan = Tensor.of(new float[] {1, Float.NaN}, 1, 2);
        Tensor bytes = Tensor.zeros(DType.U8, 2, 2)) {
      expect("weights: expected at least one", () -> network.search(context, List.of()));
      expect("w: ", () -> network.add(context, null));
      expect("context: ", () -> network.add(null, w));
      expect("w: expected finite", () -> network.add(context, nan));
      expect("w: ", () -> network.add(context, bytes));
      expect("factor: ", () -> network.add(context, w, -1));
      network.add(context, w);
      assertTrue(network.refine());
      network.add(context, w);
      network.refine();
      network.add(context, w);
      assertFalse(network.refine());
      assertEquals(0, network.candidates().length);
    }
  }

  private static void expect(String message, Runnable call) {
    String got = assertThrows(IllegalArgumentException.class, call::run).getMessage();
    assertTrue(got.startsWith(message), got);
  }
}
