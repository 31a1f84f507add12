package org.lossmith;

import java.util.Random;

/** Power quantization in plain Java, one number at a time, for the other tests to compare with. */
final class PowerOracle {
  private PowerOracle() {}

  /** The code of a value. */
  static int code(double w, double scale, double exponent, int bits, PowerRange range) {
    int largest = range.largest(bits);
    if (scale == 0 || (range == PowerRange.UNSIGNED && w <= 0)) {
      return 0;
    }
    double v = Math.min(Math.abs(w) / scale, 1);
    int magnitude = (int) Math.floor(largest * Math.pow(v, exponent) + 0.5);
    return w < 0 ? -magnitude : magnitude;
  }

  /** The value of a code. */
  static double value(int code, double scale, double exponent, int bits, PowerRange range) {
    double r = Math.abs(code) / (double) range.largest(bits);
    return scale * Math.signum(code) * Math.pow(r, 1 / exponent);
  }

  /** What quantizing does to a value. */
  static double quantized(double w, double scale, double exponent, int bits, PowerRange range) {
    return value(code(w, scale, exponent, bits, range), scale, exponent, bits, range);
  }

  /** The sum of the errors to the power of p, signed codes. */
  static double error(double[] w, double scale, double exponent, int bits, double norm) {
    double sum = 0;
    for (double value : w) {
      double off = value - quantized(value, scale, exponent, bits, PowerRange.SIGNED);
      sum += Math.pow(Math.abs(off), norm);
    }
    return sum;
  }

  static double largest(double[] w) {
    double largest = 0;
    for (double value : w) {
      largest = Math.max(largest, Math.abs(value));
    }
    return largest;
  }

  /** Normal numbers. */
  static float[] normals(int count, long seed) {
    Random random = new Random(seed);
    float[] values = new float[count];
    for (int i = 0; i < count; i++) {
      values[i] = (float) random.nextGaussian();
    }
    return values;
  }

  /** Numbers with the density of Laplace. */
  static float[] laplace(int count, long seed) {
    Random random = new Random(seed);
    float[] values = new float[count];
    for (int i = 0; i < count; i++) {
      double u = random.nextDouble() - 0.5;
      values[i] = (float) (-Math.signum(u) * Math.log1p(-2 * Math.abs(u)));
    }
    return values;
  }

  static double[] widen(float[] values) {
    double[] wide = new double[values.length];
    for (int i = 0; i < values.length; i++) {
      wide[i] = values[i];
    }
    return wide;
  }
}
