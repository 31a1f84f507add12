package org.lossmith;

import java.util.Arrays;
import java.util.Random;
import org.lossmith.quantization.Patches;

/**
 * A convolution with or without a ReLU that can be trained: a linear layer on patches. One whose
 * kernel is as large as the image is a linear layer of the whole image. Groups are computed as one,
 * with weights of 0 between them. Images are [n,c,h,w] in Java arrays.
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
    try (Tensor images = images(x);
        Tensor rows = patches.withGroups(1).unfold(images, 0);
        Tensor dense = Tensor.of(dense(w), outputs, wide());
        Tensor product = new MatrixProduct(false, true, false).multiply(context, rows, dense)) {
      float[] values = product.toFloatArray();
      float[] y = new float[values.length];
      for (int i = 0; i < values.length; i++) {
        float value = values[i] + bias[i % outputs];
        y[place(i)] = relu ? Math.max(0, value) : value;
      }
      return y;
    }
  }

  /** Elements of a patch in all groups. */
  private int wide() {
    return columns() * patches.groups();
  }

  /** Where the weights of an output begin among the elements of a patch in all groups. */
  private int start(int output) {
    return output / (outputs / patches.groups()) * columns();
  }

  private float[] dense(float[] w) {
    float[] dense = new float[outputs * wide()];
    for (int o = 0; o < outputs; o++) {
      System.arraycopy(w, o * columns(), dense, o * wide() + start(o), columns());
    }
    return dense;
  }

  /** Where element i of the product is in the output: [n p, o] to [n, o, p]. */
  private int place(int i) {
    int row = i / outputs;
    return (row / positions() * outputs + i % outputs) * positions() + row % positions();
  }

  /** Gradients of weights and bias, and as the result that of the input. */
  float[] backward(Context context, float[] x, float[] y, float[] gradient) {
    float[] values = new float[y.length];
    Arrays.fill(biasGradient, 0);
    for (int i = 0; i < values.length; i++) {
      int at = place(i);
      values[i] = relu && y[at] <= 0 ? 0 : gradient[at];
      biasGradient[i % outputs] += values[i];
    }
    try (Tensor images = images(x);
        Tensor rows = patches.withGroups(1).unfold(images, 0);
        Tensor dy = Tensor.of(values, values.length / outputs, outputs);
        Tensor dense = Tensor.of(dense(weights), outputs, wide());
        Tensor dw = new MatrixProduct(true, false, false).multiply(context, dy, rows);
        Tensor dx = MatrixProduct.plain().multiply(context, dy, dense)) {
      float[] all = dw.toFloatArray();
      for (int o = 0; o < outputs; o++) {
        System.arraycopy(all, o * wide() + start(o), weightGradient, o * columns(), columns());
      }
      return fold(dx.toFloatArray(), x.length);
    }
  }

  /** Adds elements of patches to the pixels that they come from. */
  private float[] fold(float[] rows, int size) {
    float[] images = new float[size];
    int at = 0;
    for (int row = 0; at < rows.length; row++) {
      int n = row / positions();
      int y = row % positions() / outputWidth * patches.strideY() - patches.top();
      int x = row % outputWidth * patches.strideX() - patches.left();
      for (int c = 0; c < channels; c++) {
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
    return images;
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
