package org.lossmith.bench.contrastive;

import org.lossmith.bench.provider.Provider;

/**
 * The losses by their definition, with full matrices in double precision: what all providers are
 * checked against on a small problem before anything is timed.
 */
public final class Oracle implements Provider {
  private final LossKind kind;
  private final Problem problem;
  private double loss;
  private double[] gradX;
  private double[] gradY;

  /** An oracle for one problem; quadratic memory, meant for n up to about 1000. */
  public Oracle(LossKind kind, Problem problem) {
    this.kind = kind;
    this.problem = problem;
  }

  @Override
  public void run() {
    int n = problem.n();
    double[][] scores = products(problem.x(), problem.y());
    for (double[] row : scores) {
      for (int j = 0; j < n; j++) {
        row[j] /= problem.temperature();
      }
    }
    double[][] target = target();
    double coefficient = kind == LossKind.INFONCE ? 0.5 : 1.0;
    double[] rowLse = new double[n];
    double[] columnLse = new double[n];
    for (int i = 0; i < n; i++) {
      double[] column = new double[n];
      for (int k = 0; k < n; k++) {
        column[k] = scores[k][i];
      }
      rowLse[i] = logSumExp(scores[i]);
      columnLse[i] = logSumExp(column);
    }
    double sum = 0;
    double[][] g = new double[n][n];
    for (int i = 0; i < n; i++) {
      sum += rowLse[i] + columnLse[i] - scores[i][i];
      for (int j = 0; j < n; j++) {
        double s = scores[i][j];
        sum -= target[i][j] * s;
        double pull = target[i][j] + (i == j ? 1 : 0);
        g[i][j] = coefficient / n * (Math.exp(s - rowLse[i]) + Math.exp(s - columnLse[j]) - pull);
      }
    }
    loss = coefficient * sum / n;
    gradX = gradient(g, problem.y(), false);
    gradY = gradient(g, problem.x(), true);
  }

  /** Target distribution of the row direction: the identity, or CWCL's normalised weights. */
  private double[][] target() {
    int n = problem.n();
    double[][] target = new double[n][n];
    if (kind == LossKind.INFONCE) {
      for (int i = 0; i < n; i++) {
        target[i][i] = 1;
      }
      return target;
    }
    float[] x = problem.x();
    double[] norms = new double[n];
    for (int i = 0; i < n; i++) {
      norms[i] = Math.sqrt(dot(x, i, x, i));
    }
    for (int i = 0; i < n; i++) {
      double total = 0;
      for (int j = 0; j < n; j++) {
        target[i][j] = (1 + dot(x, i, x, j) / (norms[i] * norms[j])) / 2;
        total += target[i][j];
      }
      for (int j = 0; j < n; j++) {
        target[i][j] /= total;
      }
    }
    return target;
  }

  private double[][] products(float[] a, float[] b) {
    int n = problem.n();
    double[][] products = new double[n][n];
    for (int i = 0; i < n; i++) {
      for (int j = 0; j < n; j++) {
        products[i][j] = dot(a, i, b, j);
      }
    }
    return products;
  }

  private double dot(float[] a, int i, float[] b, int j) {
    int d = problem.d();
    double sum = 0;
    for (int k = 0; k < d; k++) {
      sum += (double) a[i * d + k] * b[j * d + k];
    }
    return sum;
  }

  private double[] gradient(double[][] g, float[] other, boolean transposed) {
    int n = problem.n();
    int d = problem.d();
    double[] gradient = new double[n * d];
    for (int i = 0; i < n; i++) {
      for (int j = 0; j < n; j++) {
        double factor = (transposed ? g[j][i] : g[i][j]) / problem.temperature();
        for (int k = 0; k < d; k++) {
          gradient[i * d + k] += factor * other[j * d + k];
        }
      }
    }
    return gradient;
  }

  private static double logSumExp(double[] values) {
    double max = Double.NEGATIVE_INFINITY;
    for (double value : values) {
      max = Math.max(max, value);
    }
    double sum = 0;
    for (double value : values) {
      sum += Math.exp(value - max);
    }
    return max + Math.log(sum);
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
