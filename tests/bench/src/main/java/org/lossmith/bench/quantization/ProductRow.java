package org.lossmith.bench.quantization;

import java.util.Arrays;
import java.util.Map;
import java.util.SplittableRandom;
import org.lossmith.Context;
import org.lossmith.DType;
import org.lossmith.Groups;
import org.lossmith.PowerIntegerProduct;
import org.lossmith.PowerMatrix;
import org.lossmith.PowerParameters;
import org.lossmith.PowerQuantizer;
import org.lossmith.Tensor;
import org.lossmith.bench.Row;
import org.lossmith.bench.Session;
import org.lossmith.bench.measure.Contest;
import org.lossmith.bench.measure.Contestant;
import org.lossmith.bench.measure.CopyFloor;
import org.lossmith.bench.measure.Samples;
import org.lossmith.bench.report.Verdict;

/**
 * Products with packed codes, and products of codes in integers, against PyTorch's f32 product of
 * the same shape and, for one row, against one read of the codes. Results are compared before
 * anything is timed.
 */
public final class ProductRow implements Row {
  private static final String NAME = "power-product";
  private static final String OURS = "lossmith";
  private static final String INTEGER = "lossmith, integers";
  private static final String TORCH = "pytorch f32";
  private static final int SIDE = 4096;
  private static final int SIDE_LARGE = 8192;
  private static final int SIDE_QUICK = 512;
  private static final int ROUNDS = 7;
  private static final double EXPONENT = 0.6;
  private static final double OF_FLOOR = 0.7;
  private static final double TIMES_PYTORCH = 3;

  /** Largest difference of two sums in f32, over the largest sum. */
  private static final double DISTANCE = 1e-5;

  private record Shape(int bits, int m, int side) {
    @Override
    public String toString() {
      return bits + " bits, " + m + "x" + side + "x" + side;
    }
  }

  private static final Shape[] SHAPES = {
    new Shape(4, 1, SIDE),
    new Shape(4, 1, SIDE_LARGE),
    new Shape(4, 8, SIDE),
    new Shape(4, 64, SIDE),
    new Shape(4, 512, SIDE),
    new Shape(3, 1, SIDE),
    new Shape(3, 64, SIDE),
    new Shape(8, 1, SIDE),
    new Shape(8, 64, SIDE),
  };
  private static final Shape[] SHAPES_QUICK = {
    new Shape(4, 1, SIDE_QUICK), new Shape(3, 8, SIDE_QUICK), new Shape(8, 70, SIDE_QUICK)
  };

  @Override
  public String name() {
    return NAME;
  }

  @Override
  public String title() {
    return "products x W^T with power codes, f32, a scale for each row of W";
  }

  @Override
  public int seconds(boolean quick) {
    return quick ? 10 : 120;
  }

  @Override
  public void run(Session session) {
    Shape[] shapes = session.quick() ? SHAPES_QUICK : SHAPES;
    session.progress().expect(shapes.length * (1 + 4 * (1 + ROUNDS)));
    for (Shape shape : shapes) {
      run(session, shape);
    }
  }

  private static void run(Session session, Shape shape) {
    session.progress().step("check of " + shape);
    try (Context context = Context.builder().threads(session.threads()).build();
        Tensor x = normal(shape.m(), shape.side(), session.seed());
        PowerMatrix weights = weights(context, shape, session.seed() + 1);
        Tensor values = weights.dequantize(context);
        Tensor out = Tensor.zeros(DType.F32, shape.m(), shape.side());
        TorchProduct torch = new TorchProduct(x, values, session.threads());
        Integers integers =
            shape.bits() == Integers.BITS ? new Integers(context, weights, shape.m()) : null) {
      weights.multiply(context, x, null, out);
      check(out.toFloatArray(), torch.product());
      Contest contest = new Contest();
      contest.add(Contestant.timed(OURS, () -> weights.multiply(context, x, null, out)));
      contest.add(Contestant.timed(TORCH, torch::run));
      CopyFloor floor = new CopyFloor(context);
      contest.add(floor);
      if (integers != null) {
        contest.add(Contestant.timed(INTEGER, integers::run));
      }
      Map<String, Samples> times = contest.run(2, ROUNDS, session.progress()::step);
      boolean judged = shape.bits() == 4 && shape.m() == 1;
      session.add(Verdict.info(NAME, "milliseconds, " + shape, scaled(times.get(OURS), 1e3)));
      if (shape.m() == 1) {
        Samples ofRead =
            scaled(
                times.get(floor.name()).over(times.get(OURS)),
                (double) weights.codes().bytes() / CopyFloor.BYTES);
        session.add(
            verdict(
                "of one read of the codes at copy bandwidth, " + shape, ofRead, judged, OF_FLOOR));
      }
      session.add(
          verdict(
              "times as fast as PyTorch f32, " + shape,
              times.get(TORCH).over(times.get(OURS)),
              judged,
              TIMES_PYTORCH));
      if (integers != null) {
        session.add(
            Verdict.info(
                NAME,
                "integers with codes out, times as fast as PyTorch f32, " + shape,
                times.get(TORCH).over(times.get(INTEGER))));
      }
    }
  }

  private static Verdict verdict(String what, Samples samples, boolean judged, double target) {
    return judged
        ? Verdict.atLeast(NAME, what, samples, target)
        : Verdict.info(NAME, what, samples);
  }

  /** The product of codes of 4 bits, with codes of 4 bits as its result. */
  private static final class Integers implements AutoCloseable {
    private static final int BITS = 4;

    private final PowerIntegerProduct product = PowerIntegerProduct.of(BITS);
    private final Context context;
    private final PowerMatrix weights;
    private final Tensor codes;
    private final Tensor scale;
    private final Tensor outScale;
    private final Tensor out;

    Integers(Context context, PowerMatrix weights, int m) {
      this.context = context;
      this.weights = weights;
      int k = Math.toIntExact(weights.columns());
      byte[] bytes = new byte[m * k];
      for (int i = 0; i < bytes.length; i++) {
        bytes[i] = (byte) (i % 15 - 7);
      }
      codes = Tensor.of(DType.I8, bytes, m, k);
      scale = Tensor.of(new float[] {1}, 1);
      outScale = Tensor.of(new float[] {(float) Math.sqrt(k)}, 1);
      out = Tensor.zeros(DType.I8, m, weights.rows());
    }

    void run() {
      product.evaluate(
          context,
          codes,
          weights.codes(),
          scale,
          weights.parameters().scale(),
          outScale,
          null,
          null,
          out);
    }

    @Override
    public void close() {
      out.close();
      outScale.close();
      scale.close();
      codes.close();
    }
  }

  private static PowerMatrix weights(Context context, Shape shape, long seed) {
    PowerQuantizer quantizer = PowerQuantizer.of(shape.bits()).withGroups(Groups.perChannel(0));
    try (Tensor w = normal(shape.side(), shape.side(), seed);
        PowerParameters parameters = quantizer.parameters(context, w, EXPONENT)) {
      return PowerMatrix.of(context, quantizer, w, parameters);
    }
  }

  private static Tensor normal(int rows, int columns, long seed) {
    SplittableRandom random = new SplittableRandom(seed);
    float[] values = new float[rows * columns];
    for (int i = 0; i < values.length; i++) {
      values[i] = (float) random.nextGaussian();
    }
    return Tensor.of(values, rows, columns);
  }

  private static Samples scaled(Samples samples, double factor) {
    return new Samples(Arrays.stream(samples.seconds()).map(s -> s * factor).toArray());
  }

  private static void check(float[] ours, float[] theirs) {
    double largest = 0;
    for (float value : theirs) {
      largest = Math.max(largest, Math.abs(value));
    }
    for (int i = 0; i < ours.length; i++) {
      // A NaN is a disagreement.
      if (!(Math.abs(ours[i] - theirs[i]) <= DISTANCE * largest)) {
        throw new IllegalStateException(
            "element " + i + ": expected PyTorch's " + theirs[i] + ", got " + ours[i]);
      }
    }
  }
}
