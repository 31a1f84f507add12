package org.lossmith;

import java.util.Arrays;

/**
 * The contrastive losses written down plainly in double precision, with every array in full: what
 * the kernels are compared with. Ignored pairs are cut out of the inputs before anything else.
 */
final class Oracle {
  /** What the loss is computed from; null: not given. */
  static final class Problem {
    double[][] x;
    double[][] y;
    double[][] weights;
    double[] bias;
    double[] rowWeight;
    double[] upstream;
    boolean[] ignore;
    Double logScale;
    ContrastiveLoss loss;

    int n() {
      return x.length;
    }

    int m() {
      return y.length;
    }
  }

  double loss;
  double[] rowLoss;
  double[][] gradX;
  double[][] gradY;
  double gradLogScale;
  double[] gradBias;

  /** The size of the terms that gradX and gradY are sums of; they may cancel. */
  double pull;

  private Oracle() {}

  static Oracle of(Problem p) {
    int[] rows = kept(p, p.n());
    int[] columns = kept(p, p.m());
    int n = rows.length;
    int m = columns.length;
    double[][] x = unit(pick(p.x, rows), p.loss.normalize());
    double[][] y = unit(pick(p.y, columns), p.loss.normalize());
    double logScale = p.logScale != null ? p.logScale : -Math.log(p.loss.temperature());
    boolean clamped = Math.exp(logScale) > p.loss.maxScale();
    double scale = Math.min(Math.exp(logScale), p.loss.maxScale());

    double[][] dots = new double[n][m];
    double[][] s = new double[n][m];
    for (int i = 0; i < n; i++) {
      for (int j = 0; j < m; j++) {
        dots[i][j] = dot(x[i], y[j]);
        s[i][j] = scale * dots[i][j] + at(p.bias, columns[j], 0);
      }
    }
    double[] rowLse = new double[n];
    for (int i = 0; i < n; i++) {
      rowLse[i] = logSumExp(s[i]);
    }
    double[] columnLse = new double[m];
    for (int j = 0; j < m; j++) {
      double[] column = new double[n];
      for (int i = 0; i < n; i++) {
        column[i] = s[i][j];
      }
      columnLse[j] = logSumExp(column);
    }

    Oracle o = new Oracle();
    o.rowLoss = new double[p.n()];
    double e = p.loss.labelSmoothing();
    double mean = p.loss.reduction() == Reduction.MEAN ? n : 1;
    double[][] g = new double[n][m];
    for (int i = 0; i < n; i++) {
      double[] a = targets(p, rows[i], columns, i);
      boolean hasRow = Arrays.stream(a).sum() > 0;
      double weight = at(p.rowWeight, rows[i], 1);
      double c = at(p.upstream, rows[i], 1) * weight / mean;
      double cx = hasRow ? c * p.loss.rowCoefficient() : 0;
      double cy = c * p.loss.columnCoefficient();
      o.pull = Math.max(o.pull, Math.abs(cx) + Math.abs(cy));
      double lx = hasRow ? rowLse[i] : 0;
      double ly = columnLse[i];
      for (int j = 0; j < m; j++) {
        double t = hasRow ? (1 - e) * a[j] + e / m : 0;
        lx -= t * s[i][j];
        g[i][j] += cx * (Math.exp(s[i][j] - rowLse[i]) - t);
      }
      for (int k = 0; k < n; k++) {
        double u = (1 - e) * (k == i ? 1 : 0) + e / n;
        ly -= u * s[k][i];
        g[k][i] += cy * (Math.exp(s[k][i] - columnLse[i]) - u);
      }
      double row = weight * (p.loss.rowCoefficient() * lx + p.loss.columnCoefficient() * ly);
      o.rowLoss[rows[i]] = row;
      o.loss += row / mean;
    }
    o.pull *= scale * Math.max(largest(x), largest(y));
    o.scatterGradients(p, rows, columns, x, y, g, dots, scale);
    if (clamped) {
      o.gradLogScale = 0;
    }
    return o;
  }

  private void scatterGradients(
      Problem p,
      int[] rows,
      int[] columns,
      double[][] x,
      double[][] y,
      double[][] g,
      double[][] dots,
      double scale) {
    int d = p.x[0].length;
    gradX = new double[p.n()][d];
    gradY = new double[p.m()][d];
    gradBias = new double[p.bias == null ? p.m() : p.bias.length];
    for (int i = 0; i < rows.length; i++) {
      for (int j = 0; j < columns.length; j++) {
        gradLogScale += g[i][j] * scale * dots[i][j];
        gradBias[gradBias.length == 1 ? 0 : columns[j]] += g[i][j];
        for (int k = 0; k < d; k++) {
          gradX[rows[i]][k] += scale * g[i][j] * y[j][k];
          gradY[columns[j]][k] += scale * g[i][j] * x[i][k];
        }
      }
    }
    if (p.loss.normalize()) {
      throughNorm(gradX, p.x);
      throughNorm(gradY, p.y);
    }
  }

  /** Weights of the row's targets that sum to 1, or all 0. */
  private static double[] targets(Problem p, int row, int[] columns, int i) {
    double[] a = new double[columns.length];
    if (p.weights == null) {
      a[i] = 1;
      return a;
    }
    double sum = 0;
    for (int j = 0; j < a.length; j++) {
      a[j] = p.weights[row][columns[j]];
      sum += a[j];
    }
    for (int j = 0; j < a.length && sum > 0; j++) {
      a[j] /= sum;
    }
    return a;
  }

  /** The weights (1 + cosine) / 2 of CWCL. */
  static double[][] weights(double[][] reference, double[][] referenceY, boolean normalize) {
    double[][] r = unit(reference, normalize);
    double[][] q = unit(referenceY, normalize);
    double[][] w = new double[r.length][q.length];
    for (int i = 0; i < r.length; i++) {
      for (int j = 0; j < q.length; j++) {
        w[i][j] = Math.max(0, (1 + dot(r[i], q[j])) / 2);
      }
    }
    return w;
  }

  private static int[] kept(Problem p, int count) {
    int[] indices = new int[count];
    int size = 0;
    for (int i = 0; i < count; i++) {
      if (p.ignore == null || i >= p.ignore.length || !p.ignore[i]) {
        indices[size++] = i;
      }
    }
    return Arrays.copyOf(indices, size);
  }

  private static double[][] pick(double[][] matrix, int[] rows) {
    return Arrays.stream(rows).mapToObj(i -> matrix[i]).toArray(double[][]::new);
  }

  static double at(double[] values, int i, double otherwise) {
    if (values == null) {
      return otherwise;
    }
    return values[values.length == 1 ? 0 : i];
  }

  private static double largest(double[][] matrix) {
    return Arrays.stream(matrix).flatMapToDouble(Arrays::stream).map(Math::abs).max().orElse(0);
  }

  static double dot(double[] a, double[] b) {
    double sum = 0;
    for (int k = 0; k < a.length; k++) {
      sum += a[k] * b[k];
    }
    return sum;
  }

  static double logSumExp(double[] z) {
    double max = Arrays.stream(z).max().orElse(Double.NEGATIVE_INFINITY);
    double sum = 0;
    for (double v : z) {
      sum += Math.exp(v - max);
    }
    return max + Math.log(sum);
  }

  static double[][] unit(double[][] matrix, boolean normalize) {
    if (!normalize) {
      return matrix;
    }
    double[][] out = new double[matrix.length][];
    for (int i = 0; i < matrix.length; i++) {
      double norm = Math.sqrt(dot(matrix[i], matrix[i]));
      out[i] = Arrays.stream(matrix[i]).map(v -> norm <= 1e-12 ? 0 : v / norm).toArray();
    }
    return out;
  }

  static void throughNorm(double[][] gradient, double[][] matrix) {
    double[][] unit = unit(matrix, true);
    for (int i = 0; i < matrix.length; i++) {
      double norm = Math.sqrt(dot(matrix[i], matrix[i]));
      double along = dot(unit[i], gradient[i]);
      for (int k = 0; k < gradient[i].length; k++) {
        gradient[i][k] = norm <= 1e-12 ? 0 : (gradient[i][k] - unit[i][k] * along) / norm;
      }
    }
  }
}
