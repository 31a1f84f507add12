package org.lossmith.cli.eval;

import org.lossmith.Context;
import org.lossmith.PowerParameters;
import org.lossmith.PowerQuantizer;
import org.lossmith.Tensor;
import org.lossmith.cli.UsageException;

/** The values of codes. */
final class PowerDequantizeEvaluation extends TensorsEvaluation {
  private final PowerQuantizer quantizer;
  private final Context context;
  private final Tensor codes;
  private final PowerParameters parameters;
  private final boolean packed;
  private final Tensor out;

  PowerDequantizeEvaluation(PowerQuantizer quantizer, Context context, Call call) {
    this.quantizer = quantizer;
    this.context = context;
    codes = call.tensor(PowerDequantizeOperation.CODES);
    long columns = call.whole(PowerDequantizeOperation.COLUMNS);
    if (columns < 0) {
      throw new UsageException("--columns: expected at least 0, got " + columns);
    }
    packed = columns > 0;
    if (packed && codes.rank() != 2) {
      throw new UsageException("--columns: expected packed rows [n,bytes], got " + codes);
    }
    parameters = PowerFlags.given(call, call.tensor(PowerFlags.SCALE.name()).dtype());
    long[] shape = packed ? new long[] {codes.size(0), columns} : codes.shape();
    out =
        result(
            PowerDequantizeOperation.OUTPUT,
            Tensor.zeros(codes.device(), parameters.scale().dtype(), shape));
  }

  @Override
  public void run() {
    if (packed) {
      quantizer.dequantizePacked(context, codes, parameters, out);
    } else {
      quantizer.dequantize(context, codes, parameters, out);
    }
    context.synchronize();
  }

  @Override
  public void close() {
    super.close();
    parameters.close();
  }
}
