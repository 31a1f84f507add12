package org.lossmith.cli.eval;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.lossmith.Context;
import org.lossmith.Update;
import org.lossmith.cli.eval.Input.Role;

/** One step of an optimizer on a file of weights. */
final class UpdateOperation implements Operation {
  static final String WEIGHTS = "new_weights";
  static final String STATE = "new_state";

  @Override
  public String name() {
    return "update";
  }

  @Override
  public String summary() {
    return "One step of an optimizer on rows of weights: SGD, momentum, Adagrad, Lion or Adam.";
  }

  @Override
  public List<String> formula() {
    return List.of(
        "r: learning-rate, c: weight-decay, b1: momentum, b2: beta2, s: state",
        "sgd       w - r (g + c w)",
        "momentum  s' = b1 s + (g + c w);    w - r s'",
        "adagrad   s' = s + (g + c w)^2;     w - r (g + c w) / (sqrt(s') + epsilon)",
        "lion      u = b1 s + (1 - b1) g;    w - r (sign(u) + c w);  s' = b2 s + (1 - b2) g",
        "adam      s = [m,v], h = g + c w:   m' = b1 m + (1 - b1) h;  v' = b2 v + (1 - b2) h^2",
        "          w - r (m' / (1 - b1^t)) / (sqrt(v' / (1 - b2^t)) + epsilon),  t = step + 1");
  }

  @Override
  public List<Input> inputs() {
    return List.of(
        new Input("weights", Role.DATA, "[l,d]", true, "the weights"),
        new Input("gradient", Role.VECTOR, "[r,d]", true, "their gradient, f4, or f8 as --weights"),
        new Input("row_ids", Role.INDEX, "[r]", false, "rows of the gradient; none: all, r = l"),
        new Input(
            "state", Role.VECTOR, "[l,d]", false, "state of the rule, adam [l,2d]; none: zeros"));
  }

  @Override
  public List<Parameter<?>> parameters() {
    return List.of(
        Parameter.choice("rule", Update.Rule.SGD, "sgd, momentum, adagrad, lion or adam"),
        Parameter.real("learning_rate", 0.01, "at least 0"),
        Parameter.real("momentum", 0.9, "of momentum, lion and adam; in [0, 1)"),
        Parameter.real("beta2", 0.99, "of lion and adam (0.999 there); in [0, 1)"),
        Parameter.real("epsilon", 1e-10, "of adagrad and adam (1e-8 there); above 0"),
        Parameter.real("weight_decay", 0, "at least 0"),
        Parameter.toggle("project_rows", "divide rows by their norms after the step"),
        Parameter.toggle("stochastic_rounding", "round bf16 or f16 weights at random"),
        Parameter.whole("seed", 0, "of the random bits"),
        Parameter.whole("step", 0, "number of the step, for the random bits and adam"));
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
    outputs.put(WEIGHTS, "[l,d]  the weights after the step.");
    outputs.put(STATE, "[l,d]  the state after the step.");
    return outputs;
  }

  @Override
  public Evaluation prepare(Context context, Call call) {
    return new UpdateEvaluation(update(call), context, call);
  }

  private static Update update(Call call) {
    Update.Rule rule = call.choice("rule", Update.Rule.class);
    boolean adam = rule == Update.Rule.ADAM;
    return new Update(
        rule,
        call.real("learning_rate"),
        ofRule(call, "momentum", rule.hasMomentum(), null),
        ofRule(call, "beta2", rule.hasBeta2(), adam ? 0.999 : null),
        ofRule(call, "epsilon", rule.hasEpsilon(), adam ? 1e-8 : null),
        call.real("weight_decay"),
        call.isSet("project_rows"),
        call.isSet("stochastic_rounding"),
        call.whole("seed"));
  }

  /**
   * What the user has named, which is an error where the rule does not take it; else what the rule
   * takes.
   *
   * @param fallback of this rule; null: that of the flag
   */
  private static double ofRule(Call call, String name, boolean taken, Double fallback) {
    if (call.given().contains(name)) {
      return call.real(name);
    }
    if (!taken) {
      return 0;
    }
    return fallback != null ? fallback : call.real(name);
  }
}
