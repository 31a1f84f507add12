package org.lossmith.cli.eval;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.lossmith.Context;
import org.lossmith.PowerGradient;
import org.lossmith.PowerQuantizer;
import org.lossmith.cli.eval.Input.Role;

/** Values, codes and gradients of a quantized tensor. */
final class PowerFakeQuantizeOperation implements Operation {
  static final String UPSTREAM = "upstream";
  static final String OUTPUT = "output";
  static final String CODES = "codes";

  private static final String EXACT = "exact_gradient";

  @Override
  public String name() {
    return "power-fake-quantize";
  }

  @Override
  public String summary() {
    return "Power quantization (PowerQuant, NUPES): the values after it, their codes and"
        + " gradients.";
  }

  @Override
  public List<String> formula() {
    List<String> lines = new ArrayList<>(PowerFlags.FORMULA);
    lines.add("r = |q| / Q;  dw^/dw = 1, or exact (|w^| / |w|)^(1-a);  0 where |w| > s");
    lines.add("dw^/da = w^ (v^a ln(v) / (a r) - ln(r) / a^2)");
    lines.add("dw^/ds = sign(q) r^(1/a - 1) (r - v^a);  sign(w) where |w| > s");
    return lines;
  }

  @Override
  public List<Input> inputs() {
    return List.of(
        PowerFlags.W,
        PowerFlags.SCALE,
        PowerFlags.EXPONENTS,
        PowerFlags.SHIFT,
        new Input(UPSTREAM, Role.VECTOR, "[..]", false, "gradient of what follows"));
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
        Parameter.toggle(EXACT, "the gradient of w with the residual held constant"));
  }

  @Override
  public List<String> gradients() {
    return List.of("w", "exponent", "scale");
  }

  @Override
  public boolean hasLoss() {
    return false;
  }

  @Override
  public Map<String, String> outputs() {
    Map<String, String> outputs = new LinkedHashMap<>();
    outputs.put(OUTPUT, "[..]  the values w^.");
    outputs.put(CODES, "[..]  the codes q, i1, or u1 with --unsigned.");
    return outputs;
  }

  @Override
  public String argument(String name, Set<String> given) {
    return PowerFlags.argument(name, given);
  }

  @Override
  public Evaluation prepare(Context context, Call call) {
    PowerQuantizer quantizer = PowerFlags.quantizer(call);
    if (call.isSet(EXACT)) {
      quantizer = quantizer.withGradient(PowerGradient.EXACT);
    }
    return new PowerFakeQuantizeEvaluation(quantizer, context, call);
  }
}
