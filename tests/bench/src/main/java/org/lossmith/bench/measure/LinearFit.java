package org.lossmith.bench.measure;

/**
 * The straight line {@code y = intercept + slope x} with the least sum of squared relative
 * residuals, so that small and large values count alike.
 *
 * @param intercept value at 0
 * @param slope rise per unit of x
 * @param deviation largest |y - line| / y
 */
public record LinearFit(double intercept, double slope, double deviation) {
  /** Fits points with y > 0; at least two different x. */
  public static LinearFit of(double[] x, double[] y) {
    if (x.length != y.length || x.length < 2) {
      throw new IllegalArgumentException(
          "y: expected as many values as x, at least two, got " + y.length + " and " + x.length);
    }
    double weights = 0;
    double meanX = 0;
    double meanY = 0;
    for (int i = 0; i < x.length; i++) {
      double weight = 1 / (y[i] * y[i]);
      weights += weight;
      meanX += weight * x[i];
      meanY += weight * y[i];
    }
    meanX /= weights;
    meanY /= weights;
    double square = 0;
    double product = 0;
    for (int i = 0; i < x.length; i++) {
      double weight = 1 / (y[i] * y[i]);
      square += weight * (x[i] - meanX) * (x[i] - meanX);
      product += weight * (x[i] - meanX) * (y[i] - meanY);
    }
    double slope = product / square;
    double intercept = meanY - slope * meanX;
    double deviation = 0;
    for (int i = 0; i < x.length; i++) {
      deviation = Math.max(deviation, Math.abs(y[i] - intercept - slope * x[i]) / y[i]);
    }
    return new LinearFit(intercept, slope, deviation);
  }

  /** The line at x. */
  public double at(double x) {
    return intercept + slope * x;
  }
}
