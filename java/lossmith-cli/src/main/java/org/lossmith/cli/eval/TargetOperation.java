package org.lossmith.cli.eval;

import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;
import org.lossmith.LabelInputs;
import org.lossmith.LabelLoss;
import org.lossmith.NormalizedSoftmax;
import org.lossmith.SoftmaxCrossEntropy;
import org.lossmith.Tensor;
import org.lossmith.cli.UsageException;
import org.lossmith.cli.eval.Input.Role;

/** The losses over labels whose rows have a target. */
final class TargetOperation extends LabelOperation {
  private static final long IGNORED = -100;
  private static final double SCALE = 10;

  private final boolean unitRows;

  private TargetOperation(
      String name,
      String summary,
      List<String> formula,
      List<Parameter<?>> ownParameters,
      Function<Call, LabelLoss> loss,
      boolean unitRows) {
    super(name, summary, formula, and(ownParameters), loss);
    this.unitRows = unitRows;
  }

  static TargetOperation softmaxCrossEntropy() {
    List<Parameter<?>> own = new ArrayList<>();
    own.add(Parameter.real("z_weight", 0, "factor of the squared log-sum-exp"));
    own.addAll(normalizations());
    return new TargetOperation(
        "softmax-ce",
        "Softmax cross-entropy of a linear head whose logits are never stored.",
        List.of(
            "q_ij = (1-e) (j = target_i) + e/|A_i|,  e = label_smoothing, w = class_weight",
            "loss = mean_i [ sum_j q_ij w_j (lse_i - s_ij) + z_weight lse_i^2 ],",
            "       divided by the sum of the class weights of the targets"),
        own,
        call ->
            new SoftmaxCrossEntropy(
                call.real("label_smoothing"),
                call.real("z_weight"),
                call.whole("ignore_index"),
                scoring(call)),
        false);
  }

  static TargetOperation normalizedSoftmax() {
    return new TargetOperation(
        "normalized-softmax",
        "Normalised (hyperspherical) softmax: cross-entropy of cosines.",
        List.of(
            "the same as softmax-ce with x_i / |x_i| for x_i and 1 / scale for temperature",
            "constraint: y as it is (project), or y_j / |y_j| (the other two)"),
        List.of(
            Parameter.choice(
                "constraint",
                NormalizedSoftmax.Constraint.PROJECT,
                "project, normalize_in_forward or riemannian")),
        call ->
            new NormalizedSoftmax(
                call.choice("constraint", NormalizedSoftmax.Constraint.class),
                call.real("label_smoothing"),
                call.whole("ignore_index"),
                NormalizedSoftmax.of(call.real("scale"))
                    .withScoring(scoring(call, 1 / call.real("scale")))
                    .scoring()),
        true);
  }

  private static List<Parameter<?>> and(List<Parameter<?>> own) {
    List<Parameter<?>> all = new ArrayList<>();
    all.add(Parameter.real("label_smoothing", 0, "share of a uniform target, in [0, 1)"));
    all.add(Parameter.whole("ignore_index", IGNORED, "rows with this target do not count"));
    all.addAll(own);
    return all;
  }

  @Override
  boolean takesScores() {
    return !unitRows;
  }

  @Override
  Parameter<?> temperature() {
    return unitRows
        ? Parameter.real("scale", SCALE, "factor of the cosines; above 0")
        : super.temperature();
  }

  @Override
  List<Input> ownInputs() {
    return List.of(
        new Input("target", Role.INDEX, "[n]", false, "the right label of each row"),
        new Input("soft_target", Role.MATRIX, "[n,l]", false, "or a distribution over the labels"),
        new Input("class_weight", Role.VECTOR, "[l]", false, "how much a label counts as target"));
  }

  @Override
  public String synopsis() {
    return "--x FILE --y FILE --target FILE";
  }

  @Override
  LabelInputs inputs(Call call, Tensor x, Tensor labels) {
    Tensor one = call.tensor("target");
    Tensor soft = call.tensor("soft_target");
    if ((one == null) == (soft == null)) {
      throw new UsageException(
          "--target: expected exactly one of --target and --soft-target, got "
              + (one == null ? "neither" : "both"));
    }
    expectRank(one, "target", 1);
    expectRank(soft, "soft_target", 2);
    Tensor target = one == null ? soft : one;
    LabelInputs inputs =
        labels == null ? LabelInputs.ofScores(x, target) : LabelInputs.of(x, labels, target);
    Tensor weight = call.tensor("class_weight");
    return weight == null ? inputs : inputs.classWeight(weight);
  }

  /** The library tells the two kinds of target apart by this. */
  private static void expectRank(Tensor tensor, String name, int rank) {
    if (tensor != null && tensor.rank() != rank) {
      throw new IllegalArgumentException(
          name + ": expected " + (rank == 1 ? "[n]" : "[n,l]") + ", got " + tensor);
    }
  }
}
