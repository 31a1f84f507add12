package org.lossmith;

import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestReporter;
import org.lossmith.quantization.PowerReconstruction;
import org.lossmith.quantization.Reconstruction;
import org.lossmith.quantization.SecondMoments;

/**
 * Quantization after data against quantization without, on networks that are trained here: layer by
 * layer, each seeing what the quantized layers before it make of the images.
 */
class TrainedNetworksTest {
  private static final Gratings TRAINING = Gratings.of(6_000, 1);
  private static final Gratings CALIBRATION = Gratings.of(1_000, 2);
  private static final Gratings HELD_OUT = Gratings.of(2_000, 3);

  @Test
  void linearLayersReproduceTheirOutputsBetter(TestReporter reporter) {
    TrainedNetwork network = TrainedNetwork.perceptron();
    check(network, 500, new double[] {0.6, 0.7, 0.7}, reporter);
  }

  @Test
  void convolutionsReproduceTheirOutputsBetter(TestReporter reporter) {
    TrainedNetwork network = TrainedNetwork.convolutional();
    check(network, 350, new double[] {0.85, 0.99, 0.95, 0.5}, reporter);
  }

  /**
   * Trains and quantizes.
   *
   * @param least what the error on held-out images must fall to in each layer, at the worst
   */
  private static void check(
      TrainedNetwork network, int steps, double[] least, TestReporter reporter) {
    // Products this small do not gain by a second thread.
    try (Context context = Context.builder().threads(1).build()) {
      network.train(context, TRAINING, steps, 64, 3e-3);
      float[] exact = output(context, network, network.weights());
      double accuracy = TrainedNetwork.accuracy(exact, HELD_OUT.classes());
      assertTrue(accuracy > 0.8, "trained: " + accuracy);
      for (int bits = 4; bits >= 3; bits--) {
        PowerQuantizer quantizer = PowerQuantizer.of(bits).withGroups(Groups.perChannel(0));
        List<float[]> uniform = rounded(context, network, quantizer, true);
        List<float[]> power = rounded(context, network, quantizer, false);
        List<Double> ratios = new ArrayList<>();
        List<float[]> learned = learned(context, network, quantizer, ratios);
        float[] byData = output(context, network, learned);
        float[] without = output(context, network, power);
        reporter.publishEntry(
            String.format(
                Locale.ROOT,
                "%d bits: float %.3f, uniform %.3f, power %.3f, learned %.3f; output error"
                    + " %.4f to %.4f; held-out error of the layers times %s",
                bits,
                accuracy,
                accuracy(context, network, uniform),
                TrainedNetwork.accuracy(without, HELD_OUT.classes()),
                TrainedNetwork.accuracy(byData, HELD_OUT.classes()),
                distance(exact, without),
                distance(exact, byData),
                ratios));
        for (int i = 0; i < least.length; i++) {
          assertTrue(ratios.get(i) < least[i], bits + " bits, layer " + i + ": " + ratios.get(i));
        }
        assertTrue(distance(exact, byData) < 0.8 * distance(exact, without), bits + " bits");
      }
    }
  }

  private static float[] output(Context context, TrainedNetwork network, List<float[]> weights) {
    return network.activations(context, HELD_OUT.images(), weights).get(weights.size());
  }

  private static double accuracy(Context context, TrainedNetwork network, List<float[]> weights) {
    return TrainedNetwork.accuracy(output(context, network, weights), HELD_OUT.classes());
  }

  private static double distance(float[] a, float[] b) {
    double sum = 0;
    for (int i = 0; i < a.length; i++) {
      sum += (double) (a[i] - b[i]) * (a[i] - b[i]);
    }
    return sum / a.length;
  }

  /** Weights rounded to nearest: exponent 1, or the best of each channel. */
  private static List<float[]> rounded(
      Context context, TrainedNetwork network, PowerQuantizer quantizer, boolean uniform) {
    List<float[]> weights = new ArrayList<>();
    for (TrainedLayer layer : network.layers) {
      try (Tensor w = Tensor.of(layer.weights, layer.shape());
          PowerParameters parameters =
              uniform
                  ? quantizer.parameters(context, w, 1)
                  : PowerSearch.of(quantizer).search(context, w);
          Tensor values = quantizer.fakeQuantize(context, w, parameters)) {
        weights.add(values.toFloatArray());
      }
    }
    return weights;
  }

  /** Weights after data; adds the ratio of the errors on held-out images for each layer. */
  private static List<float[]> learned(
      Context context, TrainedNetwork network, PowerQuantizer quantizer, List<Double> ratios) {
    List<float[]> exact = network.activations(context, CALIBRATION.images(), network.weights());
    List<float[]> exactHeldOut = network.activations(context, HELD_OUT.images(), network.weights());
    List<float[]> weights = new ArrayList<>();
    float[] seen = CALIBRATION.images();
    float[] seenHeldOut = HELD_OUT.images();
    for (int i = 0; i < network.layers.size(); i++) {
      TrainedLayer layer = network.layers.get(i);
      try (Tensor w = Tensor.of(layer.weights, layer.shape());
          SecondMoments calibration = moments(context, layer, exact.get(i), seen);
          SecondMoments heldOut = moments(context, layer, exactHeldOut.get(i), seenHeldOut);
          Reconstruction found =
              PowerReconstruction.of(quantizer).run(context, w, null, calibration, heldOut, null);
          Tensor values = quantizer.dequantize(context, found.codes(), found.parameters())) {
        assertTrue(found.calibrationAfter() <= found.calibrationBefore(), found.toString());
        ratios.add(found.heldOutAfter() / found.heldOutBefore());
        weights.add(values.toFloatArray());
      }
      seen = layer.forward(context, seen, weights.get(i));
      seenHeldOut = layer.forward(context, seenHeldOut, weights.get(i));
    }
    return weights;
  }

  private static SecondMoments moments(
      Context context, TrainedLayer layer, float[] exact, float[] seen) {
    SecondMoments moments = layer.patches.moments(Device.cpu(), layer.channels);
    try (Tensor images = layer.images(exact);
        Tensor quantized = layer.images(seen)) {
      layer.patches.add(context, moments, images, quantized);
      return moments;
    }
  }
}
