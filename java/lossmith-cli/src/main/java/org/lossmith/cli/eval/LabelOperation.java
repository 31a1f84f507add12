package org.lossmith.cli.eval;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Function;
import org.lossmith.Context;
import org.lossmith.LabelInputs;
import org.lossmith.LabelLoss;
import org.lossmith.Plan;
import org.lossmith.Reduction;
import org.lossmith.Scoring;
import org.lossmith.Tensor;
import org.lossmith.cli.UsageException;
import org.lossmith.cli.eval.Input.Role;

/**
 * A loss of queries against labels: what these losses have in common, and what one of them adds.
 */
abstract class LabelOperation implements Operation {
  static final String TEMPERATURE = LossEvaluation.TEMPERATURE;

  private final String name;
  private final String summary;
  private final List<String> formula;
  private final List<Parameter<?>> ownParameters;
  private final Function<Call, LabelLoss> loss;

  LabelOperation(
      String name,
      String summary,
      List<String> formula,
      List<Parameter<?>> ownParameters,
      Function<Call, LabelLoss> loss) {
    this.name = name;
    this.summary = summary;
    this.formula = formula;
    this.ownParameters = ownParameters;
    this.loss = loss;
  }

  /** What says which labels are right, and what else only this loss has. */
  abstract List<Input> ownInputs();

  /** The inputs with what says which labels are right. */
  abstract LabelInputs inputs(Call call, Tensor x, Tensor labels);

  /** Whether the products may be given in place of the embeddings. */
  boolean takesScores() {
    return true;
  }

  /** What divides the scores. */
  Parameter<?> temperature() {
    return Parameter.real(TEMPERATURE, 1, "divides the scores; above 0");
  }

  @Override
  public final String name() {
    return name;
  }

  @Override
  public final String summary() {
    return summary;
  }

  @Override
  public final List<String> formula() {
    List<String> lines = new ArrayList<>();
    lines.add("s_ij = <x_i, y_j> / temperature + bias_j;  A_i: labels not ignored by row i");
    lines.addAll(formula);
    return lines;
  }

  @Override
  public final List<Input> inputs() {
    List<Input> inputs = new ArrayList<>();
    boolean required = !takesScores();
    inputs.add(new Input("x", Role.DATA, "[n,d]", required, "queries"));
    inputs.add(
        new Input("y", Role.DATA, "[l,d]", required, "labels: embeddings or weights of a head"));
    if (takesScores()) {
      inputs.add(
          new Input("scores", Role.DATA, "[n,l]", false, "products, in place of --x and --y"));
    }
    inputs.addAll(ownInputs());
    inputs.add(new Input("ignored", Role.SETS, "[n,l]", false, "labels that a row passes over"));
    inputs.add(
        new Input("candidates", Role.INDEX, "[c]", false, "the labels that take part, increasing"));
    inputs.add(
        new Input("log_scale", Role.VECTOR, "[1]", false, "ln of the scale; replaces temperature"));
    inputs.add(new Input("bias", Role.VECTOR, "[l] or [1]", false, "added to the scores"));
    inputs.add(new Input("row_weight", Role.VECTOR, "[n]", false, "factors of the row losses"));
    inputs.add(
        new Input(
            "upstream", Role.VECTOR, "[1], [n] with none", false, "factors of the gradients"));
    return inputs;
  }

  @Override
  public final List<Parameter<?>> parameters() {
    List<Parameter<?>> parameters = new ArrayList<>();
    parameters.add(temperature());
    parameters.addAll(ownParameters);
    parameters.add(
        Parameter.real("max_scale", Double.POSITIVE_INFINITY, "upper clamp of the scale"));
    parameters.add(
        Parameter.real("softcap", 0, "scores become softcap tanh(s / softcap); 0: they do not"));
    parameters.add(
        Parameter.choice("reduction", Reduction.MEAN, "mean, sum or none (row losses only)"));
    parameters.add(
        Parameter.choice(
            "plan", Plan.AUTO, "auto, store (keep the scores) or recompute (little memory)"));
    parameters.add(
        Parameter.real(
            "filter", 0, "skip tiles of gradient coefficients of at most this; 0: none"));
    return parameters;
  }

  @Override
  public final List<String> gradients() {
    List<String> gradients = new ArrayList<>(List.of("x", "y"));
    if (takesScores()) {
      gradients.add("scores");
    }
    gradients.add("log_scale");
    if (temperature().name().equals(TEMPERATURE)) {
      gradients.add(TEMPERATURE);
    }
    gradients.add("bias");
    return gradients;
  }

  @Override
  public final String argument(String name, Set<String> given) {
    String plain = name.replaceAll("\\[.*", "");
    return switch (plain) {
      case "x" -> given.contains("scores") ? "scores" : "x";
      case "labels" -> "y";
      case "grad_labels" -> "grad_y";
      case "normalize_labels" -> "normalize_y";
      case "positive_offsets", "positive_ids", "positive_values" -> "positives";
      case "ignored_offsets", "ignored_ids" -> "ignored";
      default -> plain;
    };
  }

  @Override
  public final Evaluation prepare(Context context, Call call) {
    checkTogether(call);
    boolean scores = call.tensor("scores") != null;
    LabelInputs inputs =
        inputs(call, call.tensor(scores ? "scores" : "x"), scores ? null : call.tensor("y"));
    return LabelEvaluation.of(loss.apply(call), common(call, inputs), context, call);
  }

  /** The scoring of a call, normalisation and all. */
  static Scoring scoring(Call call) {
    return scoring(call, call.real(TEMPERATURE))
        .withNormalizeX(call.isSet("normalize_x"))
        .withNormalizeLabels(call.isSet("normalize_y"));
  }

  static Scoring scoring(Call call, double temperature) {
    return Scoring.of(temperature)
        .withMaxScale(call.real("max_scale"))
        .withSoftcap(call.real("softcap"))
        .withReduction(call.choice("reduction", Reduction.class))
        .withPlan(call.choice("plan", Plan.class))
        .withFilter(call.real("filter"));
  }

  /** Hyperparameters of the losses whose embeddings may be normalised or not. */
  static List<Parameter<?>> normalizations() {
    return List.of(
        Parameter.toggle("normalize_x", "divide rows of x by their norms first"),
        Parameter.toggle("normalize_y", "divide rows of y by their norms first"));
  }

  private static LabelInputs common(Call call, LabelInputs inputs) {
    LabelInputs all = inputs;
    if (call.sets("ignored") != null) {
      all = all.ignored(sets(call, "ignored").sets());
    }
    if (call.tensor("candidates") != null) {
      all = all.candidates(call.tensor("candidates"));
    }
    if (call.tensor("log_scale") != null) {
      all = all.logScale(call.tensor("log_scale"));
    }
    if (call.tensor("bias") != null) {
      all = all.bias(call.tensor("bias"));
    }
    if (call.tensor("row_weight") != null) {
      all = all.rowWeight(call.tensor("row_weight"));
    }
    if (call.tensor("upstream") != null) {
      all = all.upstream(call.tensor("upstream"));
    }
    return all;
  }

  /** Sets of labels as wide as there are labels. */
  static LabelledSets sets(Call call, String name) {
    LabelledSets sets = call.sets(name);
    Tensor scores = call.tensor("scores");
    long n = scores == null ? call.tensor("x").size(0) : scores.size(0);
    long l = scores == null ? call.tensor("y").size(0) : scores.size(1);
    if (sets.sets().rows() != n || sets.columns() != l) {
      throw new IllegalArgumentException(
          String.format(
              "%s: expected shape [%d, %d], a row for each query and a column for each label, got"
                  + " [%d, %d]",
              name, n, l, sets.sets().rows(), sets.columns()));
    }
    return sets;
  }

  /** Demands embeddings on both sides, or their products in their place. */
  static void checkProducts(Map<String, Tensor> given) {
    boolean scores = given.containsKey("scores");
    boolean both = given.containsKey("x") && given.containsKey("y");
    boolean either = given.containsKey("x") || given.containsKey("y");
    if (scores ? either : !both) {
      throw new UsageException(
          "--x: expected --x and --y, or --scores alone, got " + String.join(", ", flags(given)));
    }
  }

  private static void checkTogether(Call call) {
    Map<String, Tensor> given = call.tensors();
    checkProducts(given);
    for (String gradient : List.of("x", "y", "scores", "bias")) {
      if (call.gradients().contains(gradient) && !given.containsKey(gradient)) {
        throw new UsageException(
            String.format(
                "%s: expected with %s, got no %s",
                Flags.ofGradient(gradient), Flags.of(gradient), Flags.of(gradient)));
      }
    }
    for (String scale : List.of(TEMPERATURE, "scale")) {
      if (call.given().contains(scale) && given.containsKey("log_scale")) {
        throw new UsageException(
            String.format(
                "%s: expected only one of %s and --log-scale, got both",
                Flags.of(scale), Flags.of(scale)));
      }
    }
  }

  private static List<String> flags(Map<String, Tensor> given) {
    List<String> flags =
        List.of("x", "y", "scores").stream().filter(given::containsKey).map(Flags::of).toList();
    return flags.isEmpty() ? List.of("neither") : flags;
  }
}
