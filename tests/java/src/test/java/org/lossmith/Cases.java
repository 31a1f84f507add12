package org.lossmith;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;

/** Random problems for contrastive losses, and their comparison with the oracle. */
final class Cases {
  private Cases() {}

  /** One problem: what the oracle gets, and the same as tensors of an element type. */
  static final class Case implements AutoCloseable {
    final Oracle.Problem problem = new Oracle.Problem();
    final DType dtype;
    private final List<Tensor> open = new ArrayList<>();
    private final Random random;
    private ContrastiveInputs inputs;

    Case(ContrastiveLoss loss, DType dtype, int n, int m, int d, long seed) {
      random = new Random(seed);
      this.dtype = dtype;
      problem.loss = loss;
      problem.x = rounded(matrix(n, d), dtype);
      problem.y = rounded(matrix(m, d), dtype);
      inputs = ContrastiveInputs.of(tensor(problem.x, dtype), tensor(problem.y, dtype));
    }

    Case reference(int r) {
      boolean normalize = ((Cwcl) problem.loss).normalizeReference();
      double[][] x = rounded(normalize ? matrix(problem.n(), r) : small(problem.n(), r), dtype);
      double[][] y = x;
      inputs = inputs.reference(tensor(x, dtype));
      if (problem.m() != problem.n()) {
        y = rounded(normalize ? matrix(problem.m(), r) : small(problem.m(), r), dtype);
        inputs = inputs.referenceY(tensor(y, dtype));
      }
      problem.weights = Oracle.weights(x, y, normalize);
      return this;
    }

    Case weights(DType type) {
      double[][] w = new double[problem.n()][];
      for (int i = 0; i < w.length; i++) {
        w[i] = random.doubles(problem.m()).toArray();
      }
      Arrays.fill(w[w.length - 1], 0); // A row without targets.
      problem.weights = rounded(w, type);
      inputs = inputs.weights(tensor(problem.weights, type));
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

    Case rowWeight() {
      problem.rowWeight = random.doubles(problem.n(), -0.5, 2).toArray();
      inputs = inputs.rowWeight(keep(Tensor.of(problem.rowWeight)));
      return this;
    }

    Case upstream() {
      int length = problem.loss.reduction() == Reduction.NONE ? problem.n() : 1;
      problem.upstream = random.doubles(length, -2, 2).toArray();
      inputs = inputs.upstream(keep(Tensor.of(problem.upstream)));
      return this;
    }

    Case ignore() {
      problem.ignore = new boolean[problem.n()];
      byte[] mask = new byte[problem.n()];
      for (int i = 0; i < mask.length; i += 3) {
        problem.ignore[i] = true;
        mask[i] = 1;
      }
      inputs = inputs.ignore(keep(Tensor.of(mask)));
      return this;
    }

    /** The inputs on a device. */
    ContrastiveInputs inputs(Device device) {
      ContrastiveInputs there = ContrastiveInputs.of(moved(0, device), moved(1, device));
      Tensor[] all = there.tensors();
      for (int slot = 2; slot < all.length; slot++) {
        all[slot] = moved(slot, device);
      }
      return there;
    }

    private Tensor moved(int slot, Device device) {
      Tensor tensor = inputs.get(slot);
      boolean stays = tensor == null || tensor.device().equals(device);
      return stays ? tensor : keep(tensor.to(device));
    }

    private double[][] matrix(int rows, int columns) {
      double[][] values = new double[rows][columns];
      for (double[] row : values) {
        Arrays.setAll(row, k -> random.nextGaussian() / Math.sqrt(columns));
      }
      return values;
    }

    private double[][] small(int rows, int columns) {
      double[][] values = matrix(rows, columns);
      for (double[] row : values) {
        double norm = Math.sqrt(Arrays.stream(row).map(v -> v * v).sum());
        Arrays.setAll(row, k -> 0.9 * row[k] / Math.max(1, norm));
      }
      return values;
    }

    private Tensor tensor(double[][] values, DType type) {
      Tensor t = keep(Tensor.zeros(type, values.length, values.length == 0 ? 0 : values[0].length));
      t.copyFrom(flat(values));
      return t;
    }

    private Tensor keep(Tensor tensor) {
      open.add(tensor);
      return tensor;
    }

    @Override
    public void close() {
      open.forEach(Tensor::close);
    }
  }

  static double[] flat(double[][] values) {
    return Arrays.stream(values).flatMapToDouble(Arrays::stream).toArray();
  }

  /** The values as the element type holds them. */
  static double[][] rounded(double[][] values, DType type) {
    if (values.length == 0 || type == DType.F64) {
      return values;
    }
    int columns = values[0].length;
    double[] flat;
    try (Tensor exact = Tensor.of(flat(values));
        Tensor held = exact.to(type)) {
      flat = held.toDoubleArray();
    }
    double[][] out = new double[values.length][];
    for (int i = 0; i < out.length; i++) {
      out[i] = Arrays.copyOfRange(flat, i * columns, (i + 1) * columns);
    }
    return out;
  }

  /** Relative error that an element type is allowed, against the largest entry of an array. */
  static double tolerance(DType type) {
    return switch (type) {
      case F64 -> 1e-11;
      case F32 -> 2e-5;
      case F16 -> 2e-3;
      default -> 2e-2;
    };
  }

  /** Evaluates everything and compares it with the oracle. */
  static void check(Context context, Case c) {
    Oracle o = Oracle.of(c.problem);
    double tolerance = tolerance(c.dtype);
    String[] wanted =
        c.problem.bias == null
            ? new String[] {"x", "y", "log_scale", "row_loss"}
            : new String[] {"x", "y", "log_scale", "row_loss", "bias"};
    try (LossResult r = c.problem.loss.evaluate(context, c.inputs(context.device()), wanted)) {
      double size = 1 + Arrays.stream(o.rowLoss).map(Math::abs).max().orElse(0);
      if (c.problem.loss.reduction() != Reduction.NONE) {
        double sum = c.problem.loss.reduction() == Reduction.SUM ? size * c.problem.n() : size;
        assertEquals(o.loss, r.loss(), tolerance * sum, "loss");
        assertEquals(r.loss(), r.lossTensor().item());
      }
      close("row_loss", o.rowLoss, r.rowLoss(), tolerance, size);
      close("x", flat(o.gradX), r.gradient("x"), tolerance, o.pull);
      close("y", flat(o.gradY), r.gradient("y"), tolerance, o.pull);
      close(
          "log_scale",
          new double[] {o.gradLogScale},
          r.gradient("log_scale"),
          Math.max(tolerance, tolerance(r.gradient("log_scale").dtype())),
          Math.max(1, o.pull * c.problem.n()));
      if (c.problem.bias != null) {
        close("bias", o.gradBias, r.gradient("bias"), tolerance, 0.1);
      }
    }
  }

  static void close(String name, double[] expected, Tensor actual, double tolerance, double size) {
    double[] got = actual.toDoubleArray();
    assertEquals(expected.length, got.length, name);
    double largest = Arrays.stream(expected).map(Math::abs).max().orElse(0);
    double allowed = tolerance * Math.max(largest, size) + 1e-300;
    for (int i = 0; i < got.length; i++) {
      double error = Math.abs(expected[i] - got[i]);
      int at = i;
      assertTrue(
          error <= allowed,
          () ->
              name
                  + "["
                  + at
                  + "]: expected "
                  + expected[at]
                  + ", got "
                  + got[at]
                  + ", allowed error "
                  + allowed);
    }
  }
}
