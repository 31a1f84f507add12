package org.lossmith.cli.eval;

import java.util.LinkedHashMap;
import java.util.Map;
import org.lossmith.Context;
import org.lossmith.DType;
import org.lossmith.PowerParameters;
import org.lossmith.PowerQuantizer;
import org.lossmith.PowerRange;
import org.lossmith.Tensor;

/** A tensor after quantization, and how far it is from what it was. */
final class PowerFakeQuantizeEvaluation extends TensorsEvaluation {
  private final PowerQuantizer quantizer;
  private final Context context;
  private final Tensor w;
  private final Tensor upstream;
  private final PowerParameters parameters;
  private final Tensor out;
  private final Tensor codes;
  private final Tensor gradW;
  private final Tensor gradScale;
  private final Tensor gradExponent;

  PowerFakeQuantizeEvaluation(PowerQuantizer quantizer, Context context, Call call) {
    this.quantizer = quantizer;
    this.context = context;
    w = call.tensor(PowerFlags.W.name());
    // An upstream gradient that no gradient asks for has nothing to do.
    upstream = call.gradients().isEmpty() ? null : call.tensor(PowerFakeQuantizeOperation.UPSTREAM);
    parameters = PowerFlags.parameters(context, call, quantizer);
    out = result(PowerFakeQuantizeOperation.OUTPUT, like(w, w.dtype()));
    codes =
        call.outputs().contains(PowerFakeQuantizeOperation.CODES)
            ? result(
                PowerFakeQuantizeOperation.CODES,
                like(w, quantizer.range() == PowerRange.SIGNED ? DType.I8 : DType.U8))
            : null;
    gradW = gradient(call, "w", w);
    gradScale = gradient(call, "scale", parameters.scale());
    gradExponent = gradient(call, "exponent", parameters.exponent());
  }

  private Tensor gradient(Call call, String name, Tensor of) {
    return call.gradients().contains(name) ? gradientOf(name, like(of, of.dtype())) : null;
  }

  private static Tensor like(Tensor tensor, DType dtype) {
    return Tensor.zeros(tensor.device(), dtype, tensor.shape());
  }

  @Override
  public void run() {
    quantizer.fakeQuantize(
        context, w, parameters, upstream, out, codes, gradW, gradScale, gradExponent);
    context.synchronize();
  }

  /** The error of the values. */
  @Override
  public Map<String, Double> values() {
    double[] before = w.toDoubleArray();
    double[] after = out.toDoubleArray();
    double error = 0;
    double power = 0;
    for (int i = 0; i < before.length; i++) {
      double difference = after[i] - before[i];
      error += difference * difference;
      power += before[i] * before[i];
    }
    return errors(error, power, before.length);
  }

  /** Mean squared error and, in decibels, the ratio of the squares of signal and error. */
  static Map<String, Double> errors(double error, double power, long count) {
    Map<String, Double> values = new LinkedHashMap<>();
    values.put("mse", error / count);
    values.put("sqnr_db", 10 * Math.log10(power / error));
    return values;
  }

  @Override
  public void close() {
    super.close();
    parameters.close();
  }
}
