package org.lossmith.cli.eval;

import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.OptionalDouble;
import java.util.Set;
import java.util.TreeSet;
import org.lossmith.Context;
import org.lossmith.ContrastiveInputs;
import org.lossmith.ContrastiveLoss;
import org.lossmith.ContrastivePlan;
import org.lossmith.LossResult;
import org.lossmith.Reduction;
import org.lossmith.Tensor;

/** A call of a contrastive loss. */
final class ContrastiveEvaluation implements Evaluation {
  private final ContrastiveLoss loss;
  private final ContrastiveInputs inputs;
  private final Context context;
  private final Call call;
  private final ContrastivePlan plan;
  private final LossResult result;
  private final Tensor temperatureGradient;

  ContrastiveEvaluation(
      ContrastiveLoss loss, ContrastiveInputs inputs, Context context, Call call) {
    this.loss = loss;
    this.inputs = inputs;
    this.context = context;
    this.call = call;
    String[] wanted = wanted(call);
    plan = loss.plan(context, inputs, wanted);
    result = loss.result(inputs, wanted);
    temperatureGradient = Tensor.of(new double[1], 1);
  }

  private static String[] wanted(Call call) {
    Set<String> wanted = new TreeSet<>(call.gradients());
    if (wanted.remove(ContrastiveOperation.TEMPERATURE)) {
      wanted.add("log_scale");
    }
    if (call.rowLoss() || isUnreduced(call)) {
      wanted.add("row_loss");
    }
    return wanted.toArray(String[]::new);
  }

  private static boolean isUnreduced(Call call) {
    return call.choice("reduction", Reduction.class) == Reduction.NONE;
  }

  @Override
  public void run() {
    loss.evaluate(context, inputs, result);
    context.synchronize();
  }

  @Override
  public Map<String, Object> facts() {
    Map<String, Object> facts = new LinkedHashMap<>();
    facts.put("plan", plan.plan().name().toLowerCase(Locale.ROOT));
    facts.put("planned_workspace_bytes", plan.workspaceBytes());
    facts.put("flops", plan.flops());
    return facts;
  }

  @Override
  public OptionalDouble loss() {
    return isUnreduced(call) ? OptionalDouble.empty() : OptionalDouble.of(result.loss());
  }

  @Override
  public Tensor gradient(String name) {
    if (!name.equals(ContrastiveOperation.TEMPERATURE)) {
      return result.gradient(name);
    }
    // d/d temperature = d/d log_scale * d log_scale/d temperature, log_scale = -ln(temperature).
    Tensor logScale = call.tensor("log_scale");
    double temperature = logScale == null ? call.real(name) : Math.exp(-logScale.item());
    temperatureGradient.copyFrom(new double[] {-result.gradient("log_scale").item() / temperature});
    return temperatureGradient;
  }

  @Override
  public Tensor rowLoss() {
    return result.rowLoss();
  }

  @Override
  public void close() {
    temperatureGradient.close();
    result.close();
  }
}
