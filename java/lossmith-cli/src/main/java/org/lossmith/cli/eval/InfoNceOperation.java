package org.lossmith.cli.eval;

import java.util.List;
import org.lossmith.ContrastiveLoss;
import org.lossmith.InfoNce;
import org.lossmith.Plan;
import org.lossmith.Reduction;
import org.lossmith.cli.UsageException;

/** {@code eval infonce}. */
final class InfoNceOperation extends ContrastiveOperation {
  InfoNceOperation() {
    super(1, 0);
  }

  @Override
  public String name() {
    return "infonce";
  }

  @Override
  public String summary() {
    return "InfoNCE: each query against all candidates; --symmetric: both directions, as CLIP.";
  }

  @Override
  public List<String> formula() {
    return List.of(
        "s_ij = <x_i, y_j> / temperature + bias_j",
        "loss = mean_i [ row_coefficient    (lse_j s_ij - s_ii)",
        "              + column_coefficient (lse_k s_ki - s_ii) ]");
  }

  @Override
  List<Input> ownInputs() {
    return List.of();
  }

  @Override
  List<Parameter<?>> ownParameters() {
    return List.of(Parameter.toggle("symmetric", "the mean of both directions: 0.5 and 0.5"));
  }

  @Override
  ContrastiveLoss loss(Call call) {
    boolean symmetric = call.isSet("symmetric");
    for (String coefficient : List.of("row_coefficient", "column_coefficient")) {
      if (symmetric && call.given().contains(coefficient)) {
        throw new UsageException(
            "--symmetric: expected without " + Flags.of(coefficient) + ", got both");
      }
    }
    return new InfoNce(
        call.real(TEMPERATURE),
        call.real("max_scale"),
        symmetric ? 0.5 : call.real("row_coefficient"),
        symmetric ? 0.5 : call.real("column_coefficient"),
        call.real("label_smoothing"),
        call.choice("reduction", Reduction.class),
        call.isSet("normalize"),
        call.choice("plan", Plan.class));
  }
}
