package org.lossmith;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.lossmith.quantization.Patches;
import org.lossmith.quantization.PowerReconstruction;
import org.lossmith.quantization.Reconstruction;
import org.lossmith.quantization.SecondMoments;

/** Patches of images, and their moments. */
class PatchesTest {
  private static final int IMAGES = 3;
  private static final int CHANNELS = 4;
  private static final int HEIGHT = 7;
  private static final int WIDTH = 6;

  private static Tensor images(long seed) {
    Random random = new Random(seed);
    float[] values = new float[IMAGES * CHANNELS * HEIGHT * WIDTH];
    for (int i = 0; i < values.length; i++) {
      values[i] = (float) random.nextGaussian();
    }
    return Tensor.of(values, IMAGES, CHANNELS, HEIGHT, WIDTH);
  }

  private static Stream<Patches> convolutions() {
    return Stream.of(
        Patches.of(1, 1),
        Patches.of(3, 2),
        Patches.of(HEIGHT, WIDTH),
        Patches.of(3, 3).withPadding(1, 1, 1, 1).withGroups(CHANNELS),
        Patches.of(3, 3).withStride(2, 3).withPadding(0, 2, 1, 0).withGroups(2),
        Patches.of(2, 3).withDilation(3, 2).withPadding(3, 0, 0, 4));
  }

  /** The definition, element by element. */
  private static float[] unfolded(float[] images, Patches p, int group) {
    int oh = (HEIGHT + p.top() + p.bottom() - (p.height() - 1) * p.dilationY() - 1) / p.strideY();
    int ow = (WIDTH + p.left() + p.right() - (p.width() - 1) * p.dilationX() - 1) / p.strideX();
    int channels = CHANNELS / p.groups();
    float[] out = new float[IMAGES * (oh + 1) * (ow + 1) * channels * p.height() * p.width()];
    int at = 0;
    for (int n = 0; n < IMAGES; n++) {
      for (int y = 0; y <= oh; y++) {
        for (int x = 0; x <= ow; x++) {
          for (int c = group * channels; c < (group + 1) * channels; c++) {
            for (int ky = 0; ky < p.height(); ky++) {
              for (int kx = 0; kx < p.width(); kx++) {
                int iy = y * p.strideY() - p.top() + ky * p.dilationY();
                int ix = x * p.strideX() - p.left() + kx * p.dilationX();
                boolean inside = iy >= 0 && iy < HEIGHT && ix >= 0 && ix < WIDTH;
                out[at++] = inside ? images[((n * CHANNELS + c) * HEIGHT + iy) * WIDTH + ix] : 0;
              }
            }
          }
        }
      }
    }
    return out;
  }

  @ParameterizedTest
  @MethodSource("convolutions")
  void areWhatAConvolutionMultiplies(Patches patches) {
    try (Tensor images = images(1)) {
      for (int group = 0; group < patches.groups(); group++) {
        try (Tensor rows = patches.unfold(images, group)) {
          assertEquals(
              patches.height() * patches.width() * CHANNELS / patches.groups(), rows.size(1));
          assertEquals(
              (long) IMAGES * patches.outputHeight(HEIGHT) * patches.outputWidth(WIDTH),
              rows.size(0));
          assertArrayEquals(unfolded(images.toFloatArray(), patches, group), rows.toFloatArray());
        }
      }
    }
  }

  /** What the moments say shows in the error of rounded weights, which they are enough for. */
  @ParameterizedTest
  @MethodSource("convolutions")
  void momentsAreThoseOfAllPatches(Patches patches) {
    int outputs = 2 * patches.groups();
    int columns = patches.height() * patches.width() * CHANNELS / patches.groups();
    PowerReconstruction nearest =
        PowerReconstruction.of(PowerQuantizer.of(2).withGroups(Groups.perChannel(0)))
            .withIterations(0);
    try (Context context = Context.cpu();
        Tensor first = images(1);
        Tensor second = images(2);
        Tensor weights =
            weights(outputs, CHANNELS / patches.groups(), patches.height(), patches.width());
        SecondMoments moments = patches.moments(Device.cpu(), CHANNELS)) {
      patches.add(context, moments, first);
      patches.add(context, moments, second);
      assertEquals(
          2L * IMAGES * patches.outputHeight(HEIGHT) * patches.outputWidth(WIDTH), moments.rows());
      try (Reconstruction layer = nearest.run(context, weights, moments);
          Tensor values =
              nearest.quantizer().dequantize(context, layer.codes(), layer.parameters())) {
        assertArrayEquals(weights.shape(), layer.codes().shape());
        float[] w = weights.toFloatArray();
        float[] v = values.toFloatArray();
        double sum = 0;
        for (Tensor images : new Tensor[] {first, second}) {
          for (int o = 0; o < outputs; o++) {
            float[] x = unfolded(images.toFloatArray(), patches, o / 2);
            for (int row = 0; row < x.length / columns; row++) {
              double difference = 0;
              for (int j = 0; j < columns; j++) {
                difference += (v[o * columns + j] - w[o * columns + j]) * x[row * columns + j];
              }
              sum += difference * difference;
            }
          }
        }
        assertEquals(sum / moments.rows(), layer.calibrationAfter(), 1e-5 * sum);
        assertEquals(layer.calibrationBefore(), layer.calibrationAfter());
      }
    }
  }

  private static Tensor weights(long... shape) {
    Random random = new Random(9);
    float[] values = new float[(int) (shape[0] * shape[1] * shape[2] * shape[3])];
    for (int i = 0; i < values.length; i++) {
      values[i] = (float) random.nextGaussian();
    }
    return Tensor.of(values, shape);
  }

  @Test
  void aSampleDoesNotDependOnTheBatches() {
    Patches sample = Patches.of(3, 3).withSamples(5, 17);
    try (Context context = Context.cpu();
        Tensor images = images(1);
        Tensor rows = sample.unfold(images, 0);
        Tensor other = sample.withSamples(5, 18).unfold(images, 0);
        Tensor all = Patches.of(3, 3).unfold(images, 0);
        Tensor most = sample.withSamples(1000, 17).unfold(images, 0);
        SecondMoments whole = sample.moments(Device.cpu(), CHANNELS);
        SecondMoments parts = sample.moments(Device.cpu(), CHANNELS);
        SecondMoments rest = SecondMoments.of(Device.cpu(), 9 * CHANNELS);
        Tensor weights = weights(2, CHANNELS, 3, 3)) {
      assertEquals(5 * IMAGES, rows.size(0));
      assertNotEquals(rows.toFloatArray()[0], other.toFloatArray()[0]);
      assertArrayEquals(all.toFloatArray(), most.toFloatArray());
      sample.add(context, whole, images);
      for (int i = 0; i < IMAGES; i++) {
        try (Tensor one = images.rows(i, i + 1)) {
          sample.add(context, parts, one);
        }
      }
      rest.add(context, rows);
      PowerReconstruction nearest = PowerReconstruction.of(PowerQuantizer.of(3)).withIterations(0);
      double[] errors = new double[3];
      int next = 0;
      for (SecondMoments moments : new SecondMoments[] {whole, parts, rest}) {
        assertEquals(5 * IMAGES, moments.rows());
        try (Reconstruction layer = nearest.run(context, weights, moments)) {
          errors[next++] = layer.calibrationBefore();
        }
      }
      assertEquals(errors[0], errors[1], 1e-5 * errors[0]);
      assertEquals(errors[0], errors[2], 1e-5 * errors[0]);
    }
  }

  private static void expect(String message, Runnable call) {
    String got = assertThrows(IllegalArgumentException.class, call::run).getMessage();
    assertTrue(got.startsWith(message), got);
  }

  @Test
  void refusesByName() {
    Patches three = Patches.of(3, 3);
    expect("height: expected a value >= 1, got 0", () -> Patches.of(0, 1));
    expect("strideX: ", () -> three.withStride(1, 0));
    expect("bottom: expected a value >= 0, got -1", () -> three.withPadding(0, 0, -1, 0));
    expect("dilationY: ", () -> three.withDilation(0, 1));
    expect("groups: ", () -> three.withGroups(0));
    expect("samples: ", () -> three.withSamples(-1, 0));
    expect("images: expected height >= 3 with padding, got 2", () -> three.outputHeight(2));
    try (Context context = Context.cpu();
        Tensor images = images(1);
        Tensor flat = Tensor.zeros(DType.F32, 3, 3);
        Tensor fewer = Tensor.zeros(DType.F32, 1, CHANNELS, HEIGHT, WIDTH);
        SecondMoments moments = three.moments(Device.cpu(), CHANNELS)) {
      expect("images: expected a value, got null", () -> three.unfold(null, 0));
      expect("images: expected [n,c,h,w]", () -> three.unfold(flat, 0));
      expect("group: expected 0 to 0, got 1", () -> three.unfold(images, 1));
      expect("groups: expected a divisor of 4", () -> three.withGroups(3).unfold(images, 0));
      expect("quantized: expected shape", () -> three.add(context, moments, images, fewer));
      expect("moments: ", () -> Patches.of(2, 2).add(context, moments, images));
      assertEquals(0, moments.rows());
    }
  }
}
