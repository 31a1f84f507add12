package org.lossmith.bench.contrastive;

import java.util.Random;
import org.lossmith.bench.provider.ElementType;

/**
 * Embeddings of two modalities: rows of unit length, row i of y correlated with row i of x (cosine
 * about 0.45), as half-trained towers give. Values are already rounded to the element type, so
 * every provider and the oracle start from the same numbers.
 *
 * @param type element type
 * @param n rows
 * @param d width
 * @param temperature of the softmax
 * @param x [n,d], row by row
 * @param y [n,d], row by row
 */
public record Problem(ElementType type, int n, int d, double temperature, float[] x, float[] y) {
  /** Temperature of the random problems: the usual start value of CLIP. */
  public static final double TEMPERATURE = 0.07;

  private static final double CORRELATION = 0.5;

  /** A problem from a seed; the same seed gives the same numbers. */
  public static Problem random(ElementType type, int n, int d, long seed) {
    Random random = new Random(seed);
    float[] x = new float[Math.multiplyExact(n, d)];
    float[] y = new float[x.length];
    double[] rowX = new double[d];
    double[] rowY = new double[d];
    for (int i = 0; i < n; i++) {
      for (int k = 0; k < d; k++) {
        // Uniform values with the variance of a unit normal: in many dimensions the directions are
        // as good as uniform on the sphere, and 65536 rows take a moment instead of seconds.
        rowX[k] = (random.nextFloat() - 0.5) * Math.sqrt(12);
        rowY[k] = CORRELATION * rowX[k] + (random.nextFloat() - 0.5) * Math.sqrt(12);
      }
      store(type, rowX, x, i * d);
      store(type, rowY, y, i * d);
    }
    return new Problem(type, n, d, TEMPERATURE, x, y);
  }

  private static void store(ElementType type, double[] row, float[] target, int offset) {
    double squares = 0;
    for (double value : row) {
      squares += value * value;
    }
    double scale = 1 / Math.sqrt(squares);
    for (int k = 0; k < row.length; k++) {
      target[offset + k] = type.round((float) (row[k] * scale));
    }
  }

  /** Bytes of both gradients. */
  public long gradientBytes() {
    return 2L * n * d * type.bytes();
  }
}
