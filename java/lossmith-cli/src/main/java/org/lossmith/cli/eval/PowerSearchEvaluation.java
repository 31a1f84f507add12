package org.lossmith.cli.eval;

import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import org.lossmith.Context;
import org.lossmith.DType;
import org.lossmith.PowerParameters;
import org.lossmith.PowerSearch;
import org.lossmith.Tensor;

/** A search and what it has found. */
final class PowerSearchEvaluation extends TensorsEvaluation {
  private final PowerSearch search;
  private final Context context;
  private final Tensor w;
  private final PowerParameters given;
  private final Tensor exponent;
  private final Tensor scale;
  private final Tensor error;

  /** Null unless all errors are wanted. */
  private final Tensor errors;

  private final Tensor grid;
  private final Tensor ratios;

  PowerSearchEvaluation(PowerSearch search, Context context, Call call) {
    this.search = search;
    this.context = context;
    w = call.tensor(PowerFlags.W.name());
    given = PowerFlags.parameters(context, call, search.quantizer());
    exponent = result(PowerSearchOperation.EXPONENT, like(given.scale().dtype()));
    scale = result(PowerSearchOperation.SCALE, like(given.scale().dtype()));
    error = result(PowerSearchOperation.ERROR, like(DType.F64));
    double step = (search.highest() - search.lowest()) / (search.steps() - 1);
    grid = result(PowerSearchOperation.GRID, line(search.lowest(), step, search.steps()));
    ratios = result("ratios", line(1, -search.clipStep(), search.clips()));
    errors =
        call.outputs().contains(PowerSearchOperation.ERRORS)
            ? result(
                PowerSearchOperation.ERRORS,
                Tensor.zeros(
                    w.device(),
                    DType.F64,
                    given.scale().elements(),
                    search.clips(),
                    search.steps()))
            : null;
  }

  private Tensor like(DType dtype) {
    return Tensor.zeros(w.device(), dtype, given.scale().shape());
  }

  /** Evenly spaced numbers. */
  private Tensor line(double first, double step, int count) {
    double[] values = new double[count];
    Arrays.setAll(values, i -> first + i * step);
    return Tensor.zeros(w.device(), given.scale().dtype(), count).copyFrom(values);
  }

  @Override
  public void run() {
    search.search(context, w, given.scale(), given.shift(), exponent, scale, error);
    if (errors != null) {
      search.errors(context, w, given.scale(), given.shift(), grid, ratios, errors);
    }
    context.synchronize();
  }

  /** The parameters of one group, or the range of the exponents of several. */
  @Override
  public Map<String, Double> values() {
    Map<String, Double> values = new LinkedHashMap<>();
    double[] found = exponent.toDoubleArray();
    if (found.length == 1) {
      values.put("exponent", found[0]);
      values.put("scale", scale.item());
    } else {
      values.put("lowest_exponent", Arrays.stream(found).min().orElse(Double.NaN));
      values.put("highest_exponent", Arrays.stream(found).max().orElse(Double.NaN));
    }
    values.put("error", Arrays.stream(error.toDoubleArray()).sum());
    return values;
  }

  @Override
  public void close() {
    super.close();
    given.close();
  }
}
