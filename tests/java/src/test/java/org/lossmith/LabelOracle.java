package org.lossmith;

import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * The losses over labels written down plainly in double precision, with every array in full: what
 * the kernels are compared with.
 */
final class LabelOracle {
  /** What the loss is computed from; null: not given. */
  static final class Problem {
    LabelLoss loss;
    double[][] x;
    double[][] labels;
    long[][] positives;
    double[][] relevances;
    long[] target;
    double[][] softTarget;
    long[][] ignored;
    long[] candidates;
    long[] kRows;
    double[] bias;
    double[] classWeight;
    double[] rowWeight;
    double[] upstream;
    Double logScale;

    int n() {
      return x.length;
    }

    int l() {
      return labels == null ? x[0].length : labels.length;
    }
  }

  double loss;
  double[] rowLoss;
  double[] threshold;
  double[][] gradX;
  double[][] gradLabels;
  double gradLogScale;
  double[] gradBias;

  /** The size of the terms that gradX and gradLabels are sums of; they may cancel. */
  double pull;

  private final Problem p;
  private final Scoring scoring;
  private final double[][] u;
  private final double[][] z;
  private final double scale;

  private LabelOracle(Problem p) {
    this.p = p;
    scoring = p.loss.scoring();
    u = Oracle.unit(p.x, scoring.normalizeX());
    z = p.labels == null ? null : Oracle.unit(p.labels, scoring.normalizeLabels());
    double logScale = p.logScale != null ? p.logScale : -Math.log(scoring.temperature());
    scale = Math.min(Math.exp(logScale), scoring.maxScale());
    boolean clamped = Math.exp(logScale) > scoring.maxScale();
    rowLoss = new double[p.n()];
    threshold = new double[p.n()];
    gradX = new double[p.n()][p.x[0].length];
    gradLabels = p.labels == null ? null : new double[p.l()][p.x[0].length];
    gradBias = new double[p.bias == null ? 1 : p.bias.length];
    double count = count();
    for (int i = 0; i < p.n(); i++) {
      row(i, scoring.reduction() == Reduction.MEAN ? count : 1);
    }
    if (scoring.normalizeX()) {
      Oracle.throughNorm(gradX, p.x);
    }
    if (scoring.normalizeLabels()) {
      Oracle.throughNorm(gradLabels, p.labels);
    }
    gradLogScale = clamped ? 0 : gradLogScale;
  }

  static LabelOracle of(Problem p) {
    return new LabelOracle(p);
  }

  /** What a mean is divided by. */
  private double count() {
    if (p.target == null) {
      return p.n();
    }
    double count = 0;
    for (long target : p.target) {
      count += isIgnored(target) ? 0 : p.classWeight == null ? 1 : p.classWeight[(int) target];
    }
    return count;
  }

  private boolean isIgnored(long target) {
    return p.loss instanceof SoftmaxCrossEntropy softmax && target == softmax.ignoreIndex()
        || p.loss instanceof NormalizedSoftmax sphere && target == sphere.ignoreIndex();
  }

  private double product(int i, int j) {
    return z == null ? p.x[i][j] : Oracle.dot(u[i], z[j]);
  }

  private void row(int i, double mean) {
    int[] a = taking(i);
    double[] s = new double[a.length];
    for (int j = 0; j < s.length; j++) {
      double raw = scale * product(i, a[j]) + Oracle.at(p.bias, a[j], 0);
      double cap = scoring.softcap();
      s[j] = cap == 0 ? raw : cap * Math.tanh(raw / cap);
    }
    double[] g = new double[a.length];
    double value = p.positives == null ? softmax(i, a, s, g) : positives(i, a, s, g);
    double weight = Oracle.at(p.rowWeight, i, 1);
    rowLoss[i] = weight * value;
    loss += rowLoss[i] / mean;
    double c = Oracle.at(p.upstream, i, 1) * weight / mean;
    pull = Math.max(pull, Math.abs(c) * scale);
    for (int j = 0; j < s.length; j++) {
      double cap = scoring.softcap();
      double through = cap == 0 ? 1 : 1 - s[j] / cap * (s[j] / cap);
      scatter(i, a[j], c * g[j] * through);
    }
  }

  private void scatter(int i, int j, double g) {
    gradLogScale += g * scale * product(i, j);
    gradBias[gradBias.length == 1 ? 0 : j] += g;
    if (z == null) {
      gradX[i][j] += scale * g;
      return;
    }
    for (int k = 0; k < u[i].length; k++) {
      gradX[i][k] += scale * g * z[j][k];
      gradLabels[j][k] += scale * g * u[i][k];
    }
  }

  /** The labels that take part in a row. */
  private int[] taking(int i) {
    boolean[] out = new boolean[p.l()];
    if (p.candidates != null) {
      Arrays.fill(out, true);
      Arrays.stream(p.candidates).forEach(j -> out[(int) j] = false);
    }
    if (p.ignored != null) {
      Arrays.stream(p.ignored[i]).forEach(j -> out[(int) j] = true);
    }
    int[] a = new int[p.l()];
    int size = 0;
    for (int j = 0; j < a.length; j++) {
      if (!out[j]) {
        a[size++] = j;
      }
    }
    return Arrays.copyOf(a, size);
  }

  private double positives(int i, int[] a, double[] s, double[] g) {
    Map<Integer, Double> relevance = new LinkedHashMap<>();
    for (int e = 0; e < p.positives[i].length; e++) {
      int at = Arrays.binarySearch(a, (int) p.positives[i][e]);
      double v = p.relevances == null ? 1 : p.relevances[i][e];
      if (at >= 0) {
        relevance.putIfAbsent(at, v);
      }
    }
    relevance.values().removeIf(v -> v <= 1e-8);
    if (relevance.isEmpty() && !(p.loss instanceof MultiLabelBce)) {
      return 0;
    }
    if (p.loss instanceof SoftTopK top) {
      threshold[i] = threshold(top, i, s, relevance);
    }
    double each = p.loss instanceof DecoupledSoftmax d && d.average() ? 1.0 / relevance.size() : 1;
    each = p.loss instanceof SupCon ? 1.0 / relevance.size() : each;
    each = p.loss instanceof SoftTopK t && t.average() ? 1.0 / relevance.size() : each;
    Map<Integer, Double> v = new LinkedHashMap<>();
    for (Map.Entry<Integer, Double> entry : relevance.entrySet()) {
      v.put(entry.getKey(), each * (selection().weighted() ? entry.getValue() : 1));
    }
    if (p.loss instanceof DecoupledSoftmax) {
      return LabelFormulas.decoupled(s, v, g);
    }
    if (p.loss instanceof SoftTopK top) {
      return LabelFormulas.softTopK(top, threshold[i], s, v, g);
    }
    return p.loss instanceof MultiLabelBce
        ? LabelFormulas.bce(s, v, g)
        : LabelFormulas.infoNce(s, v, g);
  }

  private PositiveSelection selection() {
    if (p.loss instanceof DecoupledSoftmax d) {
      return d.positives();
    }
    if (p.loss instanceof SoftTopK t) {
      return t.positives();
    }
    if (p.loss instanceof MultiLabelInfoNce m) {
      return m.positives();
    }
    return p.loss instanceof SupCon c ? c.positives() : ((MultiLabelBce) p.loss).positives();
  }

  private double threshold(SoftTopK top, int i, double[] s, Map<Integer, Double> relevance) {
    double k = top.k();
    if (k == 0 && p.kRows != null) {
      k = p.kRows[i];
    } else if (k == 0) {
      k = Math.ceil(relevance.values().stream().mapToDouble(v -> v).sum());
    }
    double low = -1000;
    double high = 1000;
    for (int step = 0; step < 200; step++) {
      double t = (low + high) / 2;
      double sum = Arrays.stream(s).map(v -> LabelFormulas.sigmoid(top.alpha() * (v + t))).sum();
      low = sum < k ? t : low;
      high = sum < k ? high : t;
    }
    return low;
  }

  private double softmax(int i, int[] a, double[] s, double[] g) {
    if (p.target != null && isIgnored(p.target[i])) {
      return 0;
    }
    double e =
        p.loss instanceof NormalizedSoftmax sphere
            ? sphere.labelSmoothing()
            : ((SoftmaxCrossEntropy) p.loss).labelSmoothing();
    double zWeight = p.loss instanceof SoftmaxCrossEntropy softmax ? softmax.zWeight() : 0;
    double lse = Oracle.logSumExp(s);
    double[] w = new double[s.length];
    double value = zWeight * lse * lse;
    for (int j = 0; j < s.length; j++) {
      double hit = p.target != null ? (p.target[i] == a[j] ? 1 : 0) : p.softTarget[i][a[j]];
      w[j] = ((1 - e) * hit + e / s.length) * Oracle.at(p.classWeight, a[j], 1);
      value += w[j] * (lse - s[j]);
    }
    double all = Arrays.stream(w).sum() + 2 * zWeight * lse;
    for (int j = 0; j < s.length; j++) {
      g[j] = all * Math.exp(s[j] - lse) - w[j];
    }
    return value;
  }
}
