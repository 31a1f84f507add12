package org.lossmith;

import java.util.ArrayList;
import java.util.List;
import org.lossmith.quantization.Patches;

/** Small networks that tell gratings apart, trained by softmax cross-entropy and Adam. */
final class TrainedNetwork {
  final List<TrainedLayer> layers;

  private TrainedNetwork(List<TrainedLayer> layers) {
    this.layers = layers;
  }

  /** Three linear layers. */
  static TrainedNetwork perceptron() {
    int size = Gratings.SIZE;
    return new TrainedNetwork(
        List.of(
            new TrainedLayer(Patches.of(size, size), 1, size, size, 64, true, 1),
            new TrainedLayer(Patches.of(1, 1), 64, 1, 1, 64, true, 2),
            new TrainedLayer(Patches.of(1, 1), 64, 1, 1, Gratings.CLASSES, false, 3)));
  }

  /** A convolution with stride 2, a depthwise one, a pointwise one and a linear layer. */
  static TrainedNetwork convolutional() {
    int size = Gratings.SIZE;
    int half = size / 2;
    Patches three = Patches.of(3, 3).withPadding(1, 1, 1, 1);
    return new TrainedNetwork(
        List.of(
            new TrainedLayer(three.withStride(2, 2), 1, size, size, 8, true, 1),
            new TrainedLayer(three.withGroups(8), 8, half, half, 8, false, 2),
            new TrainedLayer(Patches.of(1, 1), 8, half, half, 16, true, 3),
            new TrainedLayer(Patches.of(half, half), 16, half, half, Gratings.CLASSES, false, 4)));
  }

  List<float[]> weights() {
    return layers.stream().map(l -> l.weights).toList();
  }

  /** The inputs of all layers, and the output, for other weights of the same shapes. */
  List<float[]> activations(Context context, float[] images, List<float[]> weights) {
    List<float[]> activations = new ArrayList<>(List.of(images));
    for (int i = 0; i < layers.size(); i++) {
      activations.add(layers.get(i).forward(context, activations.get(i), weights.get(i)));
    }
    return activations;
  }

  void train(Context context, Gratings data, int steps, int batch, double rate) {
    int batches = data.classes().length / batch;
    for (int step = 0; step < steps; step++) {
      int from = step % batches * batch;
      List<float[]> a = activations(context, data.batch(from, batch), weights());
      float[] gradient = softmaxGradient(a.get(layers.size()), data.classes(), from);
      for (int i = layers.size() - 1; i >= 0; i--) {
        gradient = layers.get(i).backward(context, a.get(i), a.get(i + 1), gradient);
      }
      double now = rate * (1 + Math.cos(Math.PI * step / steps)) / 2;
      for (TrainedLayer layer : layers) {
        layer.step(context, Update.adam(now), step);
      }
    }
  }

  private static float[] softmaxGradient(float[] logits, int[] classes, int from) {
    float[] gradient = new float[logits.length];
    int width = Gratings.CLASSES;
    int rows = logits.length / width;
    for (int row = 0; row < rows; row++) {
      double sum = 0;
      for (int c = 0; c < width; c++) {
        sum += Math.exp(logits[row * width + c]);
      }
      for (int c = 0; c < width; c++) {
        double right = c == classes[from + row] ? 1 : 0;
        gradient[row * width + c] =
            (float) ((Math.exp(logits[row * width + c]) / sum - right) / rows);
      }
    }
    return gradient;
  }

  /** Share of the images whose class has the largest output. */
  static double accuracy(float[] logits, int[] classes) {
    int right = 0;
    for (int row = 0; row < classes.length; row++) {
      int best = 0;
      for (int c = 1; c < Gratings.CLASSES; c++) {
        int at = row * Gratings.CLASSES;
        best = logits[at + c] > logits[at + best] ? c : best;
      }
      right += best == classes[row] ? 1 : 0;
    }
    return (double) right / classes.length;
  }
}
