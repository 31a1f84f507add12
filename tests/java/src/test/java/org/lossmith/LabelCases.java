package org.lossmith;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import java.util.stream.LongStream;

/** Random problems for losses over labels, and their comparison with the oracle. */
final class LabelCases {
  private LabelCases() {}

  /** One problem: what the oracle gets, and the same as tensors of an element type. */
  static final class Case implements AutoCloseable {
    final LabelOracle.Problem problem = new LabelOracle.Problem();
    final DType dtype;
    private final Device device;
    private final List<AutoCloseable> open = new ArrayList<>();
    private final Random random;
    private LabelInputs inputs;

    private Case(LabelLoss loss, Device device, DType dtype, long seed) {
      problem.loss = loss;
      this.device = device;
      this.dtype = dtype;
      random = new Random(seed);
    }

    /** Embeddings; the truth is random and as the loss wants it. */
    static Case of(LabelLoss loss, Device device, DType dtype, int n, int l, int d, long seed) {
      Case c = new Case(loss, device, dtype, seed);
      c.problem.x = Cases.rounded(c.matrix(n, d), dtype);
      c.problem.labels = Cases.rounded(c.matrix(l, d), dtype);
      return c.truth();
    }

    /** Given products. */
    static Case ofScores(LabelLoss loss, Device device, DType dtype, int n, int l, long seed) {
      Case c = new Case(loss, device, dtype, seed);
      c.problem.x = Cases.rounded(c.matrix(n, l), dtype);
      return c.truth();
    }

    private Case truth() {
      if (problem.loss instanceof SoftmaxCrossEntropy
          || problem.loss instanceof NormalizedSoftmax) {
        problem.target = random.longs(problem.n(), 0, problem.l()).toArray();
        if (problem.n() > 2) {
          problem.target[2] = SoftmaxCrossEntropy.IGNORED;
        }
        return target();
      }
      problem.positives = sets(row -> row == 1 ? 0 : 1 + row % 4);
      double[][] relevances = new double[problem.n()][];
      for (int i = 0; i < relevances.length; i++) {
        relevances[i] = new double[problem.positives[i].length];
        Arrays.setAll(relevances[i], e -> (float) random.nextDouble() + 0.1f);
      }
      problem.relevances = relevances;
      LabelSets sets = labelSets(problem.positives, relevances);
      Tensor x = tensor(problem.x);
      inputs =
          problem.labels == null
              ? LabelInputs.ofScores(x, sets)
              : LabelInputs.of(x, tensor(problem.labels), sets);
      return this;
    }

    private void start(Tensor target) {
      Tensor x = tensor(problem.x);
      inputs =
          problem.labels == null
              ? LabelInputs.ofScores(x, target)
              : LabelInputs.of(x, tensor(problem.labels), target);
    }

    /** The targets as they are now in the problem. */
    Case target() {
      start(keep(Tensor.of(problem.target)));
      return this;
    }

    Case softTarget() {
      problem.target = null;
      problem.softTarget = new double[problem.n()][];
      for (int i = 0; i < problem.n(); i++) {
        double[] q = random.doubles(problem.l()).toArray();
        double sum = Arrays.stream(q).sum();
        problem.softTarget[i] = Arrays.stream(q).map(v -> v / sum).toArray();
      }
      problem.softTarget = Cases.rounded(problem.softTarget, DType.F32);
      start(keep(Tensor.of(floats(problem.softTarget), problem.n(), problem.l())));
      return this;
    }

    Case ignored() {
      long[][] right = problem.positives;
      problem.ignored = sets(row -> 3);
      if (right == null) { // A target must not be ignored.
        for (int i = 0; i < problem.n(); i++) {
          long target = problem.target[i];
          problem.ignored[i] = Arrays.stream(problem.ignored[i]).filter(j -> j != target).toArray();
        }
      }
      inputs = inputs.ignored(labelSets(problem.ignored, null));
      return this;
    }

    /** Two labels of three, the targets among them. */
    Case candidates() {
      boolean[] in = new boolean[problem.l()];
      for (int j = 0; j < in.length; j++) {
        in[j] = j % 3 != 1;
      }
      if (problem.target != null) {
        Arrays.stream(problem.target).filter(t -> t >= 0).forEach(t -> in[(int) t] = true);
      }
      problem.candidates = LongStream.range(0, in.length).filter(j -> in[(int) j]).toArray();
      inputs = inputs.candidates(keep(Tensor.of(problem.candidates)));
      return this;
    }

    Case kRows() {
      problem.kRows = LongStream.range(0, problem.n()).map(i -> 1 + i % 5).toArray();
      inputs = inputs.kRows(keep(Tensor.of(problem.kRows)));
      return this;
    }

    Case logScale(double value) {
      problem.logScale = (double) (float) value;
      inputs = inputs.logScale(keep(Tensor.of(new float[] {(float) value})));
      return this;
    }

    Case bias(int length) {
      problem.bias = random.doubles(length, -1, 1).toArray();
      inputs = inputs.bias(keep(Tensor.of(problem.bias)));
      return this;
    }

    Case classWeight() {
      problem.classWeight = random.doubles(problem.l(), 0.2, 2).toArray();
      inputs = inputs.classWeight(keep(Tensor.of(problem.classWeight)));
      return this;
    }

    Case rowWeight() {
      problem.rowWeight = random.doubles(problem.n(), -0.5, 2).toArray();
      inputs = inputs.rowWeight(keep(Tensor.of(problem.rowWeight)));
      return this;
    }

    Case upstream() {
      boolean none = problem.loss.scoring().reduction() == Reduction.NONE;
      problem.upstream = random.doubles(none ? problem.n() : 1, -2, 2).toArray();
      inputs = inputs.upstream(keep(Tensor.of(problem.upstream)));
      return this;
    }

    LabelInputs inputs() {
      return inputs;
    }

    /** The same embeddings as other tensors, for what overwrites them. */
    Tensor copyOfLabels() {
      return keep(inputs.get(LabelInputs.LABELS).to(device));
    }

    private interface Count {
      int of(int row);
    }

    private long[][] sets(Count count) {
      return IntStream.range(0, problem.n())
          .mapToObj(i -> random.longs(0, problem.l()).distinct().limit(count.of(i)).toArray())
          .toArray(long[][]::new);
    }

    private LabelSets labelSets(long[][] ids, double[][] values) {
      long[] offsets = new long[ids.length + 1];
      for (int i = 0; i < ids.length; i++) {
        offsets[i + 1] = offsets[i] + ids[i].length;
      }
      long[] all = Arrays.stream(ids).flatMapToLong(Arrays::stream).toArray();
      LabelSets sets = LabelSets.of(device, offsets, all, values == null ? null : floats(values));
      open.add(sets);
      return sets;
    }

    private static float[] floats(double[][] values) {
      double[] flat = Cases.flat(values);
      float[] out = new float[flat.length];
      for (int i = 0; i < out.length; i++) {
        out[i] = (float) flat[i];
      }
      return out;
    }

    private double[][] matrix(int rows, int columns) {
      double[][] values = new double[rows][columns];
      for (double[] row : values) {
        Arrays.setAll(row, k -> random.nextGaussian() / Math.sqrt(Math.min(columns, 16)));
      }
      return values;
    }

    private Tensor tensor(double[][] values) {
      Tensor t = keep(Tensor.zeros(device, dtype, values.length, values[0].length));
      t.copyFrom(Cases.flat(values));
      return t;
    }

    private Tensor keep(Tensor tensor) {
      Tensor there = DeviceTest.there(device, tensor);
      open.add(there);
      return there;
    }

    @Override
    public void close() {
      for (AutoCloseable resource : open) {
        try {
          resource.close();
        } catch (Exception e) {
          throw new AssertionError(e);
        }
      }
    }
  }

  /** Evaluates everything and compares it with the oracle. */
  static void check(Context context, Case c) {
    LabelOracle o = LabelOracle.of(c.problem);
    double tolerance = Cases.tolerance(c.dtype);
    List<String> wanted = new ArrayList<>(List.of("x", "log_scale", "row_loss"));
    if (c.problem.labels != null) {
      wanted.add("labels");
    }
    if (c.problem.bias != null) {
      wanted.add("bias");
    }
    if (c.problem.loss instanceof SoftTopK) {
      wanted.add("threshold");
    }
    LabelLoss loss = c.problem.loss;
    try (LossResult r = loss.evaluate(context, c.inputs(), wanted.toArray(String[]::new))) {
      double size = 1 + Arrays.stream(o.rowLoss).map(Math::abs).max().orElse(0);
      if (loss.scoring().reduction() != Reduction.NONE) {
        boolean sums = loss.scoring().reduction() == Reduction.SUM;
        assertEquals(o.loss, r.loss(), tolerance * (sums ? size * c.problem.n() : size), "loss");
      }
      Cases.close("row_loss", o.rowLoss, r.rowLoss(), tolerance, size);
      Cases.close("x", Cases.flat(o.gradX), r.gradient("x"), tolerance, o.pull);
      if (c.problem.labels != null) {
        double[] expected = Cases.flat(o.gradLabels);
        Cases.close("labels", expected, r.gradient("labels"), tolerance, o.pull);
      }
      double[] logScale = {o.gradLogScale};
      double large = Math.max(1, o.pull * c.problem.n());
      DType type = r.gradient("log_scale").dtype();
      double loose = Math.max(tolerance, Cases.tolerance(type));
      Cases.close("log_scale", logScale, r.gradient("log_scale"), loose, large);
      if (c.problem.bias != null) {
        Cases.close("bias", o.gradBias, r.gradient("bias"), tolerance, 0.1);
      }
      if (loss instanceof SoftTopK) {
        Cases.close("threshold", o.threshold, r.threshold(), tolerance, 1);
      }
    }
  }
}
