package org.lossmith;

import java.util.Random;

/**
 * Small images of stripes: four directions and two widths make eight classes. Phase, contrast and,
 * within limits, direction and width vary; the noise is blurred, so that neighbours are alike, as
 * they are in photographs.
 *
 * @param images [count, 1, SIZE, SIZE]
 * @param classes one number for each
 */
record Gratings(float[] images, int[] classes) {
  static final int SIZE = 12;
  static final int PIXELS = SIZE * SIZE;
  static final int CLASSES = 8;
  private static final double NOISE = 1.9;

  static Gratings of(int count, long seed) {
    Random random = new Random(seed);
    float[] images = new float[count * PIXELS];
    int[] classes = new int[count];
    for (int i = 0; i < count; i++) {
      classes[i] = random.nextInt(CLASSES);
      draw(images, i * PIXELS, classes[i], random);
    }
    return new Gratings(images, classes);
  }

  private static void draw(float[] images, int start, int kind, Random random) {
    double angle = kind % 4 * Math.PI / 4 + 0.12 * random.nextGaussian();
    double frequency = 2 * Math.PI * (kind < 4 ? 0.17 : 0.3) * (0.9 + 0.2 * random.nextDouble());
    double phase = 2 * Math.PI * random.nextDouble();
    double contrast = 0.5 + random.nextDouble();
    double[] noise = new double[PIXELS];
    for (int i = 0; i < PIXELS; i++) {
      noise[i] = NOISE * random.nextGaussian();
    }
    for (int y = 0; y < SIZE; y++) {
      for (int x = 0; x < SIZE; x++) {
        double along = Math.cos(angle) * x + Math.sin(angle) * y;
        images[start + y * SIZE + x] =
            (float) (contrast * Math.sin(frequency * along + phase) + blurred(noise, y, x));
      }
    }
  }

  /** The mean of the neighbours that there are. */
  private static double blurred(double[] values, int y, int x) {
    double sum = 0;
    int count = 0;
    for (int i = Math.max(0, y - 1); i <= Math.min(SIZE - 1, y + 1); i++) {
      for (int j = Math.max(0, x - 1); j <= Math.min(SIZE - 1, x + 1); j++) {
        sum += values[i * SIZE + j];
        count++;
      }
    }
    return sum / count;
  }

  /** Some of the images, from one on. */
  float[] batch(int from, int count) {
    float[] batch = new float[count * PIXELS];
    System.arraycopy(images, from * PIXELS, batch, 0, batch.length);
    return batch;
  }
}
