package org.lossmith.bench.report;

import com.fasterxml.jackson.annotation.JsonInclude;
import org.lossmith.bench.measure.Samples;

/**
 * A derived figure and, where there is one, the target that it is judged by.
 *
 * @param row name of the row of the suite
 * @param name what the figure is
 * @param value the figure
 * @param low first quartile over the rounds, or the figure itself
 * @param high third quartile over the rounds, or the figure itself
 * @param bound which side of the limit is good
 * @param limit the target; null = for information
 * @param met whether the figure is on the good side; null without a target
 */
@JsonInclude(JsonInclude.Include.NON_NULL)
public record Verdict(
    String row,
    String name,
    double value,
    double low,
    double high,
    Bound bound,
    Double limit,
    Boolean met) {
  /** Which side of the limit is good. */
  public enum Bound {
    /** The value or more. */
    AT_LEAST,
    /** The value or less. */
    AT_MOST,
    /** No target. */
    NONE
  }

  /** A ratio over rounds that should be at least {@code limit}. */
  public static Verdict atLeast(String row, String name, Samples ratio, double limit) {
    double value = ratio.median();
    return new Verdict(
        row, name, value, ratio.q1(), ratio.q3(), Bound.AT_LEAST, limit, value >= limit);
  }

  /** A ratio over rounds that should be at most {@code limit}. */
  public static Verdict atMost(String row, String name, Samples ratio, double limit) {
    double value = ratio.median();
    return new Verdict(
        row, name, value, ratio.q1(), ratio.q3(), Bound.AT_MOST, limit, value <= limit);
  }

  /** A figure that should be at most {@code limit}. */
  public static Verdict atMost(String row, String name, double value, double limit) {
    return atMost(row, name, new Samples(value), limit);
  }

  /** A ratio over rounds without a target. */
  public static Verdict info(String row, String name, Samples ratio) {
    return new Verdict(row, name, ratio.median(), ratio.q1(), ratio.q3(), Bound.NONE, null, null);
  }

  /** The same figure, not judged. */
  public Verdict withoutTarget() {
    return new Verdict(row, name, value, low, high, Bound.NONE, null, null);
  }

  /** The target as text: ">= 2.80", or empty. */
  public String target() {
    return switch (bound) {
      case AT_LEAST -> ">= " + Format.number(limit);
      case AT_MOST -> "<= " + Format.number(limit);
      case NONE -> "";
    };
  }
}
