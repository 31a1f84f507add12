package org.lossmith.cli.eval;

import org.lossmith.Context;
import org.lossmith.DType;
import org.lossmith.PowerParameters;
import org.lossmith.PowerQuantizer;
import org.lossmith.PowerRange;
import org.lossmith.Tensor;
import org.lossmith.cli.UsageException;

/** The codes of a tensor. */
final class PowerQuantizeEvaluation extends TensorsEvaluation {
  private final PowerQuantizer quantizer;
  private final Context context;
  private final Tensor w;
  private final PowerParameters parameters;
  private final boolean packed;
  private final Tensor codes;

  PowerQuantizeEvaluation(PowerQuantizer quantizer, Context context, Call call) {
    this.quantizer = quantizer;
    this.context = context;
    w = call.tensor(PowerFlags.W.name());
    packed = call.isSet(PowerQuantizeOperation.PACKED);
    if (packed && w.rank() != 2) {
      throw new UsageException("--packed: expected a matrix, got " + w);
    }
    boolean shifts =
        call.isSet(PowerFlags.SHIFTED.name()) || call.tensor(PowerFlags.SHIFT.name()) != null;
    if (!shifts && call.outputs().contains(PowerQuantizeOperation.SHIFT)) {
      throw new UsageException("--output-shift: expected --shifted beside it, got none");
    }
    parameters = PowerFlags.parameters(context, call, quantizer);
    result(PowerQuantizeOperation.SCALE, parameters.scale());
    if (shifts) {
      result(PowerQuantizeOperation.SHIFT, parameters.shift());
    }
    codes = result(PowerQuantizeOperation.CODES, newCodes());
  }

  private Tensor newCodes() {
    if (packed) {
      return Tensor.zeros(w.device(), DType.U8, w.size(0), quantizer.packedBytes(w.size(1)));
    }
    DType dtype = quantizer.range() == PowerRange.SIGNED ? DType.I8 : DType.U8;
    return Tensor.zeros(w.device(), dtype, w.shape());
  }

  @Override
  public void run() {
    if (packed) {
      quantizer.quantizePacked(context, w, parameters, codes);
    } else {
      quantizer.quantize(context, w, parameters, codes);
    }
    context.synchronize();
  }

  @Override
  public void close() {
    super.close();
    parameters.close();
  }
}
