package org.lossmith.cli.eval;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.lossmith.Context;
import org.lossmith.cli.eval.Input.Role;

/** Values of codes. */
final class PowerDequantizeOperation implements Operation {
  static final String CODES = "codes";
  static final String COLUMNS = "columns";
  static final String OUTPUT = "output";

  @Override
  public String name() {
    return "power-dequantize";
  }

  @Override
  public String summary() {
    return "Power quantization (PowerQuant, NUPES): the values of codes.";
  }

  @Override
  public List<String> formula() {
    return PowerFlags.FORMULA;
  }

  @Override
  public List<Input> inputs() {
    return List.of(
        new Input(CODES, Role.CODES, "[..]", true, "the codes"),
        new Input("scale", Role.VECTOR, "[groups]", true, "s"),
        PowerFlags.EXPONENTS,
        new Input("shift", Role.VECTOR, "[groups]", false, "added to the values"));
  }

  @Override
  public List<Parameter<?>> parameters() {
    return List.of(
        PowerFlags.EXPONENT,
        PowerFlags.BITS,
        PowerFlags.AXIS,
        PowerFlags.GROUP,
        PowerFlags.UNSIGNED,
        Parameter.whole(COLUMNS, 0, "codes of a packed row; 0: not packed"));
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
    outputs.put(OUTPUT, "[..]  the values, of the type of --scale.");
    return outputs;
  }

  @Override
  public String argument(String name, Set<String> given) {
    return PowerFlags.argument(name, given);
  }

  @Override
  public Evaluation prepare(Context context, Call call) {
    return new PowerDequantizeEvaluation(PowerFlags.quantizer(call), context, call);
  }
}
