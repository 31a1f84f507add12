package org.lossmith.cli.eval;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.lossmith.Context;
import org.lossmith.TopK;
import org.lossmith.TopKInputs;
import org.lossmith.cli.eval.Input.Role;

/** Retrieval: the best labels of every row and, given what is true, how good they are. */
final class TopKOperation implements Operation {
  static final String IDS = "output_ids";
  static final String SCORES = "output_scores";
  static final String POSITIVES = "positives";

  @Override
  public String name() {
    return "top-k";
  }

  @Override
  public String summary() {
    return "Exact top-k: the k best labels of every row, best first.";
  }

  @Override
  public List<String> formula() {
    return List.of(
        "s_ij = <x_i, y_j> / temperature + bias_j;  equal scores rank by label, NaN last",
        "ids -1 and scores -inf where fewer than k labels are left",
        "P@k, R@k, nDCG@k, MRR: means over the rows that have positives");
  }

  @Override
  public List<Input> inputs() {
    return List.of(
        new Input("x", Role.DATA, "[n,d]", false, "queries"),
        new Input("y", Role.DATA, "[l,d]", false, "embeddings of the labels"),
        new Input("scores", Role.DATA, "[n,l]", false, "products, in place of --x and --y"),
        new Input("bias", Role.VECTOR, "[l] or [1]", false, "added to the scores"),
        new Input("excluded", Role.SETS, "[n,l]", false, "labels that a row leaves out"),
        new Input(POSITIVES, Role.SETS, "[n,l]", false, "the labels that are right; for metrics"));
  }

  @Override
  public List<Parameter<?>> parameters() {
    List<Parameter<?>> parameters = new ArrayList<>();
    parameters.add(Parameter.whole("k", 10, "labels for each row; at least 1"));
    parameters.add(Parameter.real("temperature", 1, "divides the products; above 0"));
    parameters.addAll(LabelOperation.normalizations());
    return parameters;
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
    outputs.put(IDS, "[n,k]  the labels, i8.");
    outputs.put(SCORES, "[n,k]  their scores, f4 or f8.");
    return outputs;
  }

  @Override
  public String synopsis() {
    return "--x FILE --y FILE";
  }

  @Override
  public String argument(String name, Set<String> given) {
    String plain = name.replaceAll("\\[.*", "");
    return switch (plain) {
      case "x" -> given.contains("scores") ? "scores" : "x";
      case "labels" -> "y";
      case "normalize_labels" -> "normalize_y";
      case "excluded_offsets", "excluded_ids" -> "excluded";
      default -> plain;
    };
  }

  @Override
  public Evaluation prepare(Context context, Call call) {
    LabelOperation.checkProducts(call.tensors());
    TopK search =
        new TopK(
            call.whole("k"),
            call.real("temperature"),
            call.isSet("normalize_x"),
            call.isSet("normalize_y"));
    TopKInputs inputs =
        call.tensor("scores") != null
            ? TopKInputs.ofProducts(call.tensor("scores"))
            : TopKInputs.of(call.tensor("x"), call.tensor("y"));
    if (call.tensor("bias") != null) {
      inputs = inputs.bias(call.tensor("bias"));
    }
    if (call.sets("excluded") != null) {
      inputs = inputs.excluded(LabelOperation.sets(call, "excluded").sets());
    }
    LabelledSets positives =
        call.sets(POSITIVES) == null ? null : LabelOperation.sets(call, POSITIVES);
    return new TopKEvaluation(search, inputs, context, positives);
  }
}
