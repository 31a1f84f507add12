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
    if (relevance.isEmpty()) {
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
      return decoupled(s, v, g);
    }
    if (p.loss instanceof SoftTopK top) {
      return softTopK(top, threshold[i], s, v, g);
    }
    return p.loss instanceof MultiLabelBce ? bce(s, v, g) : infoNce(s, v, g);
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

  private static double decoupled(double[] s, Map<Integer, Double> v, double[] g) {
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

  private static double infoNce(double[] s, Map<Integer, Double> v, double[] g) {
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

  private static double bce(double[] s, Map<Integer, Double> v, double[] g) {
    double value = 0;
    for (int j = 0; j < s.length; j++) {
      double own = v.getOrDefault(j, 0.0);
      value += (softplus(s[j]) - own * s[j]) / s.length;
      g[j] = (sigmoid(s[j]) - own) / s.length;
    }
    return value;
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
      double sum = Arrays.stream(s).map(v -> sigmoid(top.alpha() * (v + t))).sum();
      low = sum < k ? t : low;
      high = sum < k ? high : t;
    }
    return low;
  }

  private static double softTopK(
      SoftTopK top, double t, double[] s, Map<Integer, Double> v, double[] g) {
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

  private static double softplus(double x) {
    return Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)));
  }

  private static double sigmoid(double x) {
    return x >= 0 ? 1 / (1 + Math.exp(-x)) : Math.exp(x) / (1 + Math.exp(x));
  }
}
