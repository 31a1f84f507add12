package org.lossmith;

import java.util.Arrays;
import java.util.Map;

/**
 * The losses of one row by its scores s and what its positives count for, v: each returns the loss
 * and writes the gradient of the scores to g.
 */
final class LabelFormulas {
  private LabelFormulas() {}

  static double decoupled(double[] s, Map<Integer, Double> v, double[] g) {
    double[] negatives = new double[s.length - v.size()];
    int size = 0;
    for (int j = 0; j < s.length; j++) {
      if (!v.containsKey(j)) {
        negatives[size++] = s[j];
      }
    }
    if (size == 0) {
      return 0;
    }
    double lse = Oracle.logSumExp(negatives);
    double value = 0;
    double pushed = 0;
    for (Map.Entry<Integer, Double> entry : v.entrySet()) {
      int at = entry.getKey();
      value += entry.getValue() * softplus(lse - s[at]);
      g[at] = -entry.getValue() * sigmoid(lse - s[at]);
      pushed -= g[at];
    }
    for (int j = 0; j < s.length; j++) {
      g[j] = v.containsKey(j) ? g[j] : pushed * Math.exp(s[j] - lse);
    }
    return value;
  }

  static double infoNce(double[] s, Map<Integer, Double> v, double[] g) {
    double lse = Oracle.logSumExp(s);
    double all = v.values().stream().mapToDouble(e -> e).sum();
    double value = all * lse;
    for (int j = 0; j < s.length; j++) {
      double own = v.getOrDefault(j, 0.0);
      value -= own * s[j];
      g[j] = all * Math.exp(s[j] - lse) - own;
    }
    return value;
  }

  static double bce(double[] s, Map<Integer, Double> v, double[] g) {
    double value = 0;
    for (int j = 0; j < s.length; j++) {
      double own = v.getOrDefault(j, 0.0);
      value += (softplus(s[j]) - own * s[j]) / s.length;
      g[j] = (sigmoid(s[j]) - own) / s.length;
    }
    return value;
  }

  static double softTopK(SoftTopK top, double t, double[] s, Map<Integer, Double> v, double[] g) {
    double value = 0;
    double pulled = 0;
    double[] slope = new double[s.length];
    for (int j = 0; j < s.length; j++) {
      double y = sigmoid(top.alpha() * (s[j] + t));
      double own = v.getOrDefault(j, 0.0);
      value -= own * (top.plain() ? y : -softplus(-top.alpha() * (s[j] + t)));
      slope[j] = y * (1 - y);
      g[j] = -own * top.alpha() * (1 - y) * (top.plain() ? y : 1);
      pulled += g[j];
    }
    double slopes = Arrays.stream(slope).sum();
    for (int j = 0; j < s.length; j++) {
      g[j] -= pulled * slope[j] / slopes;
    }
    return value;
  }

  static double softplus(double x) {
    return Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)));
  }

  static double sigmoid(double x) {
    return x >= 0 ? 1 / (1 + Math.exp(-x)) : Math.exp(x) / (1 + Math.exp(x));
  }
}
