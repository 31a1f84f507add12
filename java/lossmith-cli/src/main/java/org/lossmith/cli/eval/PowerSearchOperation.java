package org.lossmith.cli.eval;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.lossmith.Context;
import org.lossmith.PowerSearch;
import org.lossmith.cli.UsageException;

/** The search for the exponent of each group. */
final class PowerSearchOperation implements Operation {
  static final String EXPONENT = "output_exponent";
  static final String SCALE = "output_scale";
  static final String ERROR = "output_error";
  static final String ERRORS = "errors";
  static final String GRID = "grid";

  @Override
  public String name() {
    return "power-search";
  }

  @Override
  public String summary() {
    return "The exponent, and the clipping scale, of power quantization with the least error.";
  }

  @Override
  public List<String> formula() {
    List<String> lines = new ArrayList<>(PowerFlags.FORMULA);
    lines.add("least E(a, c) = sum |w - w^(a, c s)|^norm of each group, over exponents a and");
    lines.add("c = 1 - i clip-step for i = 0 .. clips-1; a grid, then finer ones around the best");
    return lines;
  }

  @Override
  public List<Input> inputs() {
    return List.of(PowerFlags.W, PowerFlags.SCALE, PowerFlags.SHIFT);
  }

  @Override
  public List<Parameter<?>> parameters() {
    return List.of(
        PowerFlags.BITS,
        PowerFlags.AXIS,
        PowerFlags.GROUP,
        PowerFlags.UNSIGNED,
        PowerFlags.SHIFTED,
        Parameter.real("norm", 2, "above 0"),
        Parameter.real("lowest", 0.1, "exponent, at least 0.01"),
        Parameter.real("highest", 1.2, "exponent, at most 16"),
        Parameter.whole("steps", 64, "exponents of the first grid, 2 to 1024"),
        Parameter.whole("refinements", 3, "finer grids after it, 0 to 8"),
        Parameter.whole("clips", 1, "clip ratios, 1 to 64"),
        Parameter.real("clip_step", 0.02, "how far the ratios are apart"));
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
    outputs.put(EXPONENT, "[groups]  the best exponents.");
    outputs.put(SCALE, "[groups]  the best scales.");
    outputs.put(ERROR, "[groups]  their errors, f8.");
    outputs.put(ERRORS, "[groups,clips,steps]  all errors of the first grid, f8.");
    outputs.put(GRID, "[steps]  the exponents of the first grid.");
    return outputs;
  }

  @Override
  public String argument(String name, Set<String> given) {
    return PowerFlags.argument(name, given);
  }

  @Override
  public Evaluation prepare(Context context, Call call) {
    PowerSearch search =
        new PowerSearch(
            PowerFlags.quantizer(call),
            call.real("norm"),
            call.real("lowest"),
            call.real("highest"),
            count(call, "steps"),
            count(call, "refinements"),
            count(call, "clips"),
            call.real("clip_step"));
    return new PowerSearchEvaluation(search, context, call);
  }

  private static int count(Call call, String name) {
    long value = call.whole(name);
    if (value != (int) value) {
      throw new UsageException(Flags.of(name) + ": expected at most 1024, got " + value);
    }
    return (int) value;
  }
}
