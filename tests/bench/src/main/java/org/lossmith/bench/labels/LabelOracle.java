package org.lossmith.bench.labels;

import java.nio.FloatBuffer;
import java.util.Arrays;
import org.lossmith.bench.provider.Provider;

/**
 * The losses by their definition in double precision: what all providers are checked against on a
 * small problem before anything is timed.
 */
public final class LabelOracle implements Provider {
  private static final int BISECTIONS = 200;

  private final LabelKind kind;
  private final LabelProblem problem;
  private final float[] x;
  private final float[] z;
  private double loss;
  private double[] gradX;
  private double[] gradY;

  /** An oracle for one problem. */
  public LabelOracle(LabelKind kind, LabelProblem problem) {
    this.kind = kind;
    this.problem = problem;
    x = new float[problem.rows() * problem.width()];
    z = new float[problem.labels() * problem.width()];
    problem.writeQueries(FloatBuffer.wrap(x));
    problem.writeLabels(FloatBuffer.wrap(z));
  }

  @Override
  public void run() {
    loss = 0;
    gradX = new double[x.length];
    gradY = new double[z.length];
    for (int i = 0; i < problem.rows(); i++) {
      double[] scores = scores(i);
      double[] slope = new double[scores.length];
      boolean[] positive = positives(i);
      loss +=
          switch (kind) {
                case SOFTMAX_CE -> crossEntropy(scores, (int) problem.targets()[i], slope);
                case DECOUPLED_SOFTMAX -> decoupled(scores, positive, slope);
                case SOFT_TOP_K -> softTopK(scores, positive, slope);
              }
              / problem.rows();
      addGradients(i, slope);
    }
  }

  private double[] scores(int i) {
    int d = problem.width();
    double[] scores = new double[problem.labels()];
    for (int j = 0; j < scores.length; j++) {
      for (int k = 0; k < d; k++) {
        scores[j] += (double) x[i * d + k] * z[j * d + k] / LabelKind.TEMPERATURE;
      }
    }
    return scores;
  }

  private boolean[] positives(int i) {
    boolean[] positive = new boolean[problem.labels()];
    for (long p = problem.offsets()[i]; p < problem.offsets()[i + 1]; p++) {
      positive[(int) problem.ids()[(int) p]] = true;
    }
    return positive;
  }

  private static double crossEntropy(double[] s, int target, double[] slope) {
    double all = logSumExp(s, new boolean[s.length]);
    for (int j = 0; j < s.length; j++) {
      slope[j] = Math.exp(s[j] - all) - (j == target ? 1 : 0);
    }
    return all - s[target];
  }

  static double decoupled(double[] s, boolean[] positive, double[] slope) {
    double negatives = logSumExp(s, positive);
    double loss = 0;
    double pull = 0;
    double share = 1.0 / count(positive);
    for (int j = 0; j < s.length; j++) {
      if (positive[j]) {
        loss += share * softplus(negatives - s[j]);
        slope[j] = -share * sigmoid(negatives - s[j]);
        pull -= slope[j];
      }
    }
    for (int j = 0; j < s.length; j++) {
      if (!positive[j]) {
        slope[j] = pull * Math.exp(s[j] - negatives);
      }
    }
    return loss;
  }

  private static double softTopK(double[] s, boolean[] positive, double[] slope) {
    double alpha = LabelKind.ALPHA;
    double edge = Math.log(LabelKind.K / (double) (s.length - LabelKind.K)) / alpha;
    double low = edge - Arrays.stream(s).max().orElseThrow();
    double high = edge - Arrays.stream(s).min().orElseThrow();
    for (int step = 0; step < BISECTIONS; step++) {
      double middle = (low + high) / 2;
      double sum = Arrays.stream(s).map(v -> sigmoid(alpha * (v + middle))).sum();
      low = sum < LabelKind.K ? middle : low;
      high = sum < LabelKind.K ? high : middle;
    }
    double threshold = (low + high) / 2;
    double share = 1.0 / count(positive);
    double loss = 0;
    double pull = 0;
    double total = 0;
    double[] spread = new double[s.length];
    for (int j = 0; j < s.length; j++) {
      double v = alpha * (s[j] + threshold);
      spread[j] = sigmoid(v) * sigmoid(-v);
      total += spread[j];
      if (positive[j]) {
        loss += share * softplus(-v);
        slope[j] = -share * alpha * sigmoid(-v);
        pull += slope[j];
      }
    }
    for (int j = 0; j < s.length; j++) {
      slope[j] -= pull * spread[j] / total;
    }
    return loss;
  }

  private void addGradients(int i, double[] slope) {
    int d = problem.width();
    for (int j = 0; j < slope.length; j++) {
      double factor = slope[j] / (LabelKind.TEMPERATURE * problem.rows());
      for (int k = 0; k < d; k++) {
        gradX[i * d + k] += factor * z[j * d + k];
        gradY[j * d + k] += factor * x[i * d + k];
      }
    }
  }

  private static int count(boolean[] set) {
    int count = 0;
    for (boolean member : set) {
      count += member ? 1 : 0;
    }
    return count;
  }

  private static double logSumExp(double[] values, boolean[] without) {
    double max = Double.NEGATIVE_INFINITY;
    for (int j = 0; j < values.length; j++) {
      max = without[j] ? max : Math.max(max, values[j]);
    }
    double sum = 0;
    for (int j = 0; j < values.length; j++) {
      sum += without[j] ? 0 : Math.exp(values[j] - max);
    }
    return max + Math.log(sum);
  }

  private static double softplus(double v) {
    return Math.max(v, 0) + Math.log1p(Math.exp(-Math.abs(v)));
  }

  private static double sigmoid(double v) {
    return 1 / (1 + Math.exp(-v));
  }

  @Override
  public double loss() {
    return loss;
  }

  @Override
  public float[] gradX() {
    return narrow(gradX);
  }

  @Override
  public float[] gradY() {
    return narrow(gradY);
  }

  private static float[] narrow(double[] values) {
    float[] narrow = new float[values.length];
    for (int i = 0; i < values.length; i++) {
      narrow[i] = (float) values[i];
    }
    return narrow;
  }

  @Override
  public void close() {}
}
