package org.lossmith.cli.eval;

import java.util.ArrayList;
import java.util.List;
import org.lossmith.Context;
import org.lossmith.ContrastiveInputs;
import org.lossmith.ContrastiveLoss;
import org.lossmith.Plan;
import org.lossmith.Reduction;
import org.lossmith.cli.UsageException;
import org.lossmith.cli.eval.Input.Role;

/** What the contrastive losses have in common: inputs, hyperparameters and gradients. */
abstract class ContrastiveOperation implements Operation {
  static final String TEMPERATURE = LossEvaluation.TEMPERATURE;

  private static final double DEFAULT_TEMPERATURE = 0.07;

  private final double rowCoefficient;
  private final double columnCoefficient;

  ContrastiveOperation(double rowCoefficient, double columnCoefficient) {
    this.rowCoefficient = rowCoefficient;
    this.columnCoefficient = columnCoefficient;
  }

  /** Inputs that only this loss has; they stand after x and y. */
  abstract List<Input> ownInputs();

  /** Hyperparameters that only this loss has. */
  abstract List<Parameter<?>> ownParameters();

  /** The loss with the hyperparameters of a call. */
  abstract ContrastiveLoss loss(Call call);

  @Override
  public List<Input> inputs() {
    List<Input> inputs = new ArrayList<>();
    inputs.add(new Input("x", Role.DATA, "[n,d]", true, "queries"));
    inputs.add(
        new Input(
            "y", Role.DATA, "[m,d]", true, "candidates, m >= n; row i pairs with row i of x"));
    inputs.addAll(ownInputs());
    inputs.add(
        new Input("log_scale", Role.VECTOR, "[1]", false, "ln of the scale; replaces temperature"));
    inputs.add(new Input("bias", Role.VECTOR, "[m] or [1]", false, "added to the scores"));
    inputs.add(new Input("row_weight", Role.VECTOR, "[n]", false, "factors of the row losses"));
    inputs.add(
        new Input(
            "upstream", Role.VECTOR, "[1], [n] with none", false, "factors of the gradients"));
    inputs.add(new Input("ignore", Role.MASK, "[n]", false, "pairs to leave out, where not 0"));
    return inputs;
  }

  @Override
  public List<Parameter<?>> parameters() {
    List<Parameter<?>> parameters = new ArrayList<>();
    parameters.add(Parameter.real(TEMPERATURE, DEFAULT_TEMPERATURE, "divides the scores; above 0"));
    parameters.add(
        Parameter.real(
            "max_scale", Double.POSITIVE_INFINITY, "upper clamp of the scale 1/temperature"));
    parameters.add(Parameter.real("row_coefficient", rowCoefficient, "factor of direction x to y"));
    parameters.add(
        Parameter.real("column_coefficient", columnCoefficient, "factor of direction y to x"));
    parameters.addAll(ownParameters());
    parameters.add(Parameter.real("label_smoothing", 0, "share of a uniform target, in [0, 1)"));
    parameters.add(Parameter.toggle("normalize", "divide rows of x and y by their norms first"));
    parameters.add(
        Parameter.choice("reduction", Reduction.MEAN, "mean, sum or none (row losses only)"));
    parameters.add(
        Parameter.choice(
            "plan", Plan.AUTO, "auto, store (keep the scores) or recompute (O(n + m) memory)"));
    return parameters;
  }

  @Override
  public List<String> gradients() {
    return List.of("x", "y", "log_scale", TEMPERATURE, "bias");
  }

  @Override
  public Evaluation prepare(Context context, Call call) {
    if (call.given().contains(TEMPERATURE) && call.tensor("log_scale") != null) {
      throw new UsageException(
          "--temperature: expected only one of --temperature and --log-scale, got both");
    }
    if (call.gradients().contains("bias") && call.tensor("bias") == null) {
      throw new UsageException("--grad-bias: expected with --bias, got no --bias");
    }
    return ContrastiveEvaluation.of(loss(call), inputs(call), context, call);
  }

  private static ContrastiveInputs inputs(Call call) {
    ContrastiveInputs inputs = ContrastiveInputs.of(call.tensor("x"), call.tensor("y"));
    if (call.tensor("reference") != null) {
      inputs = inputs.reference(call.tensor("reference"));
    }
    if (call.tensor("reference_y") != null) {
      inputs = inputs.referenceY(call.tensor("reference_y"));
    }
    if (call.tensor("weights") != null) {
      inputs = inputs.weights(call.tensor("weights"));
    }
    if (call.tensor("log_scale") != null) {
      inputs = inputs.logScale(call.tensor("log_scale"));
    }
    if (call.tensor("bias") != null) {
      inputs = inputs.bias(call.tensor("bias"));
    }
    if (call.tensor("row_weight") != null) {
      inputs = inputs.rowWeight(call.tensor("row_weight"));
    }
    if (call.tensor("upstream") != null) {
      inputs = inputs.upstream(call.tensor("upstream"));
    }
    if (call.tensor("ignore") != null) {
      inputs = inputs.ignore(call.tensor("ignore"));
    }
    return inputs;
  }
}
