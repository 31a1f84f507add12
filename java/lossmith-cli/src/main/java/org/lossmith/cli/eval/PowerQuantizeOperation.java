package org.lossmith.cli.eval;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.lossmith.Context;

/** Codes of a tensor. */
final class PowerQuantizeOperation implements Operation {
  static final String PACKED = "packed";
  static final String CODES = "codes";
  static final String SCALE = "output_scale";
  static final String SHIFT = "output_shift";

  @Override
  public String name() {
    return "power-quantize";
  }

  @Override
  public String summary() {
    return "Power quantization (PowerQuant, NUPES): the codes of a tensor.";
  }

  @Override
  public List<String> formula() {
    return PowerFlags.FORMULA;
  }

  @Override
  public List<Input> inputs() {
    return List.of(PowerFlags.W, PowerFlags.SCALE, PowerFlags.EXPONENTS, PowerFlags.SHIFT);
  }

  @Override
  public List<Parameter<?>> parameters() {
    return List.of(
        PowerFlags.EXPONENT,
        PowerFlags.BITS,
        PowerFlags.AXIS,
        PowerFlags.GROUP,
        PowerFlags.UNSIGNED,
        PowerFlags.SHIFTED,
        Parameter.toggle(PACKED, "rows of a matrix as streams of 2, 3, 4 or 8 bits for a code"));
  }

  @Override
  public List<String> gradients() {
    return List.of();
  }

  @Override
  public boolean hasLoss() {
    return false;
  }

  @Override
  public Map<String, String> outputs() {
    Map<String, String> outputs = new LinkedHashMap<>();
    outputs.put(CODES, "[..] or [n,bytes]  i1, u1 with --unsigned or --packed.");
    outputs.put(SCALE, "[groups]  the scales.");
    outputs.put(SHIFT, "[groups]  the shifts, with --shifted or --shift.");
    return outputs;
  }

  @Override
  public String argument(String name, Set<String> given) {
    return PowerFlags.argument(name, given);
  }

  @Override
  public Evaluation prepare(Context context, Call call) {
    return new PowerQuantizeEvaluation(PowerFlags.quantizer(call), context, call);
  }
}
