package org.lossmith.bench.quantization;

import java.util.SplittableRandom;
import org.lossmith.Context;
import org.lossmith.DType;
import org.lossmith.Groups;
import org.lossmith.PowerGradient;
import org.lossmith.PowerParameters;
import org.lossmith.PowerQuantizer;
import org.lossmith.Tensor;

/** A matrix of normal weights, and the library's operator on it. */
final class LossmithPower implements AutoCloseable {
  /** An exponent near the best of normal weights. */
  static final double EXPONENT = 0.6;

  private final PowerQuantizer quantizer;
  private final Context context;
  private final Tensor w;
  private final Tensor upstream;
  private final PowerParameters parameters;
  private final Tensor codes;
  private final Tensor out;
  private final Tensor gradW;
  private final Tensor gradScale;
  private final Tensor gradExponent;

  /** Codes of {@code bits} with a scale for each group. */
  LossmithPower(int bits, Groups groups, long rows, long columns, long seed, int threads) {
    quantizer = PowerQuantizer.of(bits).withGroups(groups).withGradient(PowerGradient.EXACT);
    context = Context.builder().threads(threads).build();
    w = normal(rows, columns, seed);
    upstream = normal(rows, columns, seed + 1);
    parameters = quantizer.parameters(context, w, EXPONENT);
    codes = Tensor.zeros(DType.U8, rows, quantizer.packedBytes(columns));
    out = Tensor.zeros(DType.F32, rows, columns);
    gradW = Tensor.zeros(DType.F32, rows, columns);
    gradScale = Tensor.zeros(DType.F32, parameters.scale().shape());
    gradExponent = Tensor.zeros(DType.F32, parameters.exponent().shape());
    run(OperatorTask.ENCODE);
  }

  private static Tensor normal(long rows, long columns, long seed) {
    SplittableRandom random = new SplittableRandom(seed);
    Tensor matrix = Tensor.zeros(DType.F32, rows, columns);
    float[] row = new float[Math.toIntExact(columns)];
    for (long i = 0; i < rows; i++) {
      for (int j = 0; j < row.length; j++) {
        row[j] = (float) random.nextGaussian();
      }
      try (Tensor view = matrix.rows(i, i + 1)) {
        view.copyFrom(row);
      }
    }
    return matrix;
  }

  /** Does it once. */
  void run(OperatorTask task) {
    switch (task) {
      case ENCODE -> quantizer.quantizePacked(context, w, parameters, codes);
      case DECODE -> quantizer.dequantizePacked(context, codes, parameters, out);
      case FORWARD ->
          quantizer.fakeQuantize(context, w, parameters, null, out, null, null, null, null);
      default ->
          quantizer.fakeQuantize(
              context, w, parameters, upstream, out, null, gradW, gradScale, gradExponent);
    }
  }

  Context context() {
    return context;
  }

  PowerQuantizer quantizer() {
    return quantizer;
  }

  Tensor weights() {
    return w;
  }

  Tensor upstream() {
    return upstream;
  }

  Tensor scale() {
    return parameters.scale();
  }

  Tensor values() {
    return out;
  }

  Tensor gradW() {
    return gradW;
  }

  Tensor gradScale() {
    return gradScale;
  }

  Tensor gradExponent() {
    return gradExponent;
  }

  @Override
  public void close() {
    gradExponent.close();
    gradScale.close();
    gradW.close();
    out.close();
    codes.close();
    parameters.close();
    upstream.close();
    w.close();
    context.close();
  }
}
