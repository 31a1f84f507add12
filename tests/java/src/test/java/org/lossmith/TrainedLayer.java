package org.lossmith;

import java.util.Random;
import org.lossmith.quantization.Patches;

/**
 * A convolution with or without a ReLU that can be trained: a linear layer on patches. One whose
 * kernel is as large as the image is a linear layer of the whole image. Images are [n,c,h,w] in
 * Java arrays.
 */
final class TrainedLayer {
  final Patches patches;
  final int channels;
  final int height;
  final int width;
  final int outputs;
  final int outputHeight;
  final int outputWidth;
  final boolean relu;

  /** [outputs, channels / groups, kh, kw]. */
  final float[] weights;

  final float[] bias;
  private final float[] weightGradient;
  private final float[] biasGradient;
  private final float[] weightState;
  private final float[] biasState;

  TrainedLayer(
      Patches patches, int channels, int height, int width, int outputs, boolean relu, long seed) {
    this.patches = patches;
    this.channels = channels;
    this.height = height;
    this.width = width;
    this.outputs = outputs;
    this.relu = relu;
    outputHeight = patches.outputHeight(height);
    outputWidth = patches.outputWidth(width);
    Random random = new Random(seed);
    weights = new float[outputs * columns()];
    for (int i = 0; i < weights.length; i++) {
      weights[i] = (float) (random.nextGaussian() * Math.sqrt(2.0 / columns()));
    }
    bias = new float[outputs];
    weightGradient = new float[weights.length];
    biasGradient = new float[outputs];
    weightState = new float[2 * weights.length];
    biasState = new float[2 * outputs];
  }

  /** Elements of a patch in one group. */
  int columns() {
    return channels / patches.groups() * patches.height() * patches.width();
  }

  /** The shape of the weights. */
  long[] shape() {
    return new long[] {outputs, channels / patches.groups(), patches.height(), patches.width()};
  }

  Tensor images(float[] x) {
    return Tensor.of(x, x.length / (channels * height * width), channels, height, width);
  }

  private int positions() {
    return outputHeight * outputWidth;
  }

  /** The output for other weights of the same shape. */
  float[] forward(Context context, float[] x, float[] w) {
    int group = outputs / patches.groups();
    try (Tensor images = images(x)) {
      int count = (int) images.size(0);
      float[] y = new float[count * outputs * positions()];
      for (int g = 0; g < patches.groups(); g++) {
        try (Tensor rows = patches.unfold(images, g);
            Tensor part = part(w, g);
            Tensor product = new MatrixProduct(false, true, false).multiply(context, rows, part)) {
          float[] values = product.toFloatArray();
          for (int i = 0; i < values.length; i++) {
            float value = values[i] + bias[g * group + i % group];
            y[place(i, g)] = relu ? Math.max(0, value) : value;
          }
        }
      }
      return y;
    }
  }

  /** Where element i of the product of a group is in the output: [n p, o] to [n, o, p]. */
  private int place(int i, int g) {
    int group = outputs / patches.groups();
    int row = i / group;
    int output = g * group + i % group;
    return (row / positions() * outputs + output) * positions() + row % positions();
  }

  private Tensor part(float[] w, int g) {
    int size = w.length / patches.groups();
    float[] part = new float[size];
    System.arraycopy(w, g * size, part, 0, size);
    return Tensor.of(part, outputs / patches.groups(), columns());
  }

  /** Gradients of weights and bias, and as the result that of the input. */
  float[] backward(Context context, float[] x, float[] y, float[] gradient) {
    int group = outputs / patches.groups();
    float[] input = new float[x.length];
    java.util.Arrays.fill(biasGradient, 0);
    try (Tensor images = images(x)) {
      int rowsOfAll = (int) images.size(0) * positions();
      for (int g = 0; g < patches.groups(); g++) {
        float[] values = new float[rowsOfAll * group];
        for (int i = 0; i < values.length; i++) {
          int at = place(i, g);
          values[i] = relu && y[at] <= 0 ? 0 : gradient[at];
          biasGradient[g * group + i % group] += values[i];
        }
        try (Tensor rows = patches.unfold(images, g);
            Tensor dy = Tensor.of(values, rowsOfAll, group);
            Tensor part = part(weights, g);
            Tensor dw = new MatrixProduct(true, false, false).multiply(context, dy, rows);
            Tensor dx = MatrixProduct.plain().multiply(context, dy, part)) {
          System.arraycopy(
              dw.toFloatArray(), 0, weightGradient, g * group * columns(), group * columns());
          fold(dx.toFloatArray(), g, input);
        }
      }
    }
    return input;
  }

  /** Adds elements of patches to the pixels that they come from. */
  private void fold(float[] rows, int g, float[] images) {
    int inGroup = channels / patches.groups();
    int at = 0;
    for (int row = 0; at < rows.length; row++) {
      int n = row / positions();
      int y = row % positions() / outputWidth * patches.strideY() - patches.top();
      int x = row % outputWidth * patches.strideX() - patches.left();
      for (int c = g * inGroup; c < (g + 1) * inGroup; c++) {
        for (int ky = 0; ky < patches.height(); ky++) {
          for (int kx = 0; kx < patches.width(); kx++, at++) {
            int iy = y + ky;
            int ix = x + kx;
            if (iy >= 0 && iy < height && ix >= 0 && ix < width) {
              images[((n * channels + c) * height + iy) * width + ix] += rows[at];
            }
          }
        }
      }
    }
  }

  void step(Context context, Update adam, long step) {
    step(context, adam, step, weightGradient, weights, weightState);
    step(context, adam, step, biasGradient, bias, biasState);
  }

  private static void step(
      Context context, Update adam, long step, float[] gradient, float[] values, float[] state) {
    try (Tensor g = Tensor.of(gradient, 1, gradient.length);
        Tensor w = Tensor.of(values, 1, values.length);
        Tensor s = Tensor.of(state, 1, state.length)) {
      adam.step(context, g, w, s, step);
      w.copyTo(values);
      s.copyTo(state);
    }
  }
}
