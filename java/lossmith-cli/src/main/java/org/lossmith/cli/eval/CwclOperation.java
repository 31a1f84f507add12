package org.lossmith.cli.eval;

import java.util.List;
import org.lossmith.ContrastiveLoss;
import org.lossmith.Cwcl;
import org.lossmith.Plan;
import org.lossmith.Reduction;
import org.lossmith.cli.UsageException;
import org.lossmith.cli.eval.Input.Role;

/** {@code eval cwcl}. */
final class CwclOperation extends ContrastiveOperation {
  CwclOperation() {
    super(1, 1);
  }

  @Override
  public String name() {
    return "cwcl";
  }

  @Override
  public String summary() {
    return "CWCL: continuously weighted contrastive loss; x is the frozen modality U, y is V.";
  }

  @Override
  public List<String> formula() {
    return List.of(
        "s_ij = <x_i, y_j> / temperature + bias_j",
        "w_ij = (1 + <r_i, r_j>) / 2 of --reference, or --weights;  a_ij = w_ij / sum_k w_ik",
        "loss = mean_i [ row_coefficient    (lse_j s_ij - sum_j a_ij s_ij)",
        "              + column_coefficient (lse_k s_ki - s_ii) ]");
  }

  @Override
  List<Input> ownInputs() {
    return List.of(
        new Input("reference", Role.DATA, "[n,r]", false, "embeddings of U that give the weights"),
        new Input("reference_y", Role.DATA, "[m,r]", false, "those of the candidates, where m > n"),
        new Input("weights", Role.MATRIX, "[n,m]", false, "the weights themselves, >= 0"));
  }

  @Override
  List<Parameter<?>> ownParameters() {
    return List.of(
        Parameter.toggle(
            "raw_reference", "take the reference rows as they are (norm <= 1), not normalised"));
  }

  @Override
  ContrastiveLoss loss(Call call) {
    boolean byReference = call.tensor("reference") != null;
    if (byReference == (call.tensor("weights") != null)) {
      throw new UsageException(
          "--reference: expected exactly one of --reference and --weights, got "
              + (byReference ? "both" : "neither"));
    }
    return new Cwcl(
        call.real(TEMPERATURE),
        call.real("max_scale"),
        call.real("row_coefficient"),
        call.real("column_coefficient"),
        call.real("label_smoothing"),
        call.choice("reduction", Reduction.class),
        call.isSet("normalize"),
        !call.isSet("raw_reference"),
        call.choice("plan", Plan.class));
  }
}
