package org.lossmith.bench.measure;

import com.fasterxml.jackson.annotation.JsonProperty;
import java.util.Arrays;

/**
 * Times of one contestant, one value per round, in seconds. Order is that of the rounds, so two
 * sample sets of one contest can be compared round by round.
 */
public final class Samples {
  private final double[] seconds;

  /** Takes a copy of {@code seconds}; at least one value. */
  public Samples(double... seconds) {
    if (seconds.length == 0) {
      throw new IllegalArgumentException("seconds: expected at least one value, got none");
    }
    this.seconds = seconds.clone();
  }

  /** Every value, in the order of the rounds. */
  @JsonProperty
  public double[] seconds() {
    return seconds.clone();
  }

  /** The middle value; the mean of the two middle ones for an even count. */
  @JsonProperty
  public double median() {
    return quantile(seconds, 0.5);
  }

  /** The smallest value. */
  @JsonProperty
  public double min() {
    return quantile(seconds, 0);
  }

  /** First quartile, linearly interpolated. */
  @JsonProperty
  public double q1() {
    return quantile(seconds, 0.25);
  }

  /** Third quartile, linearly interpolated. */
  @JsonProperty
  public double q3() {
    return quantile(seconds, 0.75);
  }

  /**
   * {@code this / other}, round by round. Both were taken in the same rounds, so a slow phase of
   * the machine cancels.
   */
  public Samples over(Samples other) {
    if (other.seconds.length != seconds.length) {
      throw new IllegalArgumentException(
          "other: expected " + seconds.length + " rounds, got " + other.seconds.length);
    }
    double[] ratio = new double[seconds.length];
    Arrays.setAll(ratio, i -> seconds[i] / other.seconds[i]);
    return new Samples(ratio);
  }

  private static double quantile(double[] values, double q) {
    double[] sorted = values.clone();
    Arrays.sort(sorted);
    double position = q * (sorted.length - 1);
    int below = (int) position;
    int above = Math.min(below + 1, sorted.length - 1);
    return sorted[below] + (position - below) * (sorted[above] - sorted[below]);
  }
}
