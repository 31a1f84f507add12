package org.lossmith.cli.eval;

import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.OptionalDouble;
import java.util.Set;
import java.util.TreeSet;
import org.lossmith.Context;
import org.lossmith.ContrastivePlan;
import org.lossmith.LossResult;
import org.lossmith.Reduction;
import org.lossmith.Tensor;

/** A call of a loss and what the library gives for it. */
abstract class LossEvaluation implements Evaluation {
  /** Gradient by the temperature, which the library has as the gradient by the log-scale. */
  static final String TEMPERATURE = "temperature";

  private final Context context;
  private final Call call;
  private final ContrastivePlan plan;
  private final LossResult result;
  private final Tensor temperatureGradient;

  /** Takes the result over. */
  LossEvaluation(Context context, Call call, ContrastivePlan plan, LossResult result) {
    this.context = context;
    this.call = call;
    this.plan = plan;
    this.result = result;
    temperatureGradient = Tensor.of(new double[1], 1);
  }

  /** What the library is asked for, in the words of the command line. */
  static Set<String> wanted(Call call) {
    Set<String> wanted = new TreeSet<>(call.gradients());
    if (wanted.remove(TEMPERATURE)) {
      wanted.add("log_scale");
    }
    if (call.rowLoss() || isUnreduced(call)) {
      wanted.add("row_loss");
    }
    wanted.addAll(call.outputs());
    return wanted;
  }

  private static boolean isUnreduced(Call call) {
    return call.choice("reduction", Reduction.class) == Reduction.NONE;
  }

  /** Computes into the result. */
  abstract void evaluate(LossResult result);

  /** What the library calls a gradient. */
  String libraryName(String gradient) {
    return gradient;
  }

  @Override
  public final void run() {
    evaluate(result);
    context.synchronize();
  }

  @Override
  public final Map<String, Object> facts() {
    Map<String, Object> facts = new LinkedHashMap<>();
    facts.put("plan", plan.plan().name().toLowerCase(Locale.ROOT));
    facts.put("planned_workspace_bytes", plan.workspaceBytes());
    facts.put("flops", plan.flops());
    return facts;
  }

  @Override
  public final OptionalDouble loss() {
    return isUnreduced(call) ? OptionalDouble.empty() : OptionalDouble.of(result.loss());
  }

  @Override
  public final Tensor gradient(String name) {
    if (!name.equals(TEMPERATURE)) {
      return result.gradient(libraryName(name));
    }
    // d/d temperature = d/d log_scale * d log_scale/d temperature, log_scale = -ln(temperature).
    Tensor logScale = call.tensor("log_scale");
    double temperature = logScale == null ? call.real(name) : Math.exp(-logScale.item());
    temperatureGradient.copyFrom(new double[] {-result.gradient("log_scale").item() / temperature});
    return temperatureGradient;
  }

  @Override
  public final Tensor rowLoss() {
    return result.rowLoss();
  }

  @Override
  public final Tensor output(String name) {
    if (name.equals("threshold")) {
      return result.threshold();
    }
    throw new IllegalArgumentException("output: expected threshold, got " + name);
  }

  @Override
  public final void close() {
    temperatureGradient.close();
    result.close();
  }
}
