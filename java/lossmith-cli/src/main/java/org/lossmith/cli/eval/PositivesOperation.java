package org.lossmith.cli.eval;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import org.lossmith.DecoupledSoftmax;
import org.lossmith.LabelInputs;
import org.lossmith.LabelLoss;
import org.lossmith.LabelSets;
import org.lossmith.MultiLabelBce;
import org.lossmith.MultiLabelInfoNce;
import org.lossmith.PositiveSelection;
import org.lossmith.SoftTopK;
import org.lossmith.SupCon;
import org.lossmith.Tensor;
import org.lossmith.cli.UsageException;
import org.lossmith.cli.eval.Input.Role;

/** The losses over labels whose rows have sets of positives. */
final class PositivesOperation extends LabelOperation {
  private static final String K_ROWS = "k_rows";

  private final boolean selectsK;

  private PositivesOperation(
      String name,
      String summary,
      List<String> formula,
      List<Parameter<?>> ownParameters,
      Function<Call, LabelLoss> loss,
      boolean selectsK) {
    super(name, summary, formula, and(ownParameters), loss);
    this.selectsK = selectsK;
  }

  static PositivesOperation decoupledSoftmax() {
    return new PositivesOperation(
        "decoupled-softmax",
        "Decoupled softmax: each positive against the negatives, not against other positives.",
        List.of("loss = mean_i mean_{p in P_i} softplus(lse_{j in A_i without P_i} s_ij - s_ip)"),
        List.of(sum()),
        call -> new DecoupledSoftmax(!call.isSet("sum_positives"), selection(call), scoring(call)),
        false);
  }

  static PositivesOperation softTopK() {
    return new PositivesOperation(
        "soft-topk",
        "Soft top-k: how surely the positives are among the k best labels.",
        List.of(
            "y_ij = sigm(alpha (s_ij + t_i)),  t_i such that sum_{j in A_i} y_ij = k",
            "loss = -mean_i mean_{p in P_i} ln y_ip"),
        List.of(
            Parameter.real("alpha", 2, "how steep the selection is; above 0"),
            Parameter.whole("k", 5, "labels selected; 0: as many as a row has positives"),
            Parameter.toggle("plain", "-y_ip in place of -ln y_ip"),
            sum()),
        call ->
            new SoftTopK(
                call.real("alpha"),
                call.tensor(K_ROWS) == null ? call.whole("k") : 0,
                call.isSet("plain"),
                !call.isSet("sum_positives"),
                selection(call),
                scoring(call)),
        true);
  }

  static PositivesOperation multiLabelInfoNce() {
    return new PositivesOperation(
        "multilabel-infonce",
        "Multi-label InfoNCE: the sum over the positives of softmax cross-entropy.",
        List.of("loss = mean_i sum_{p in P_i} (lse_{j in A_i} s_ij - s_ip)"),
        List.of(),
        call -> new MultiLabelInfoNce(selection(call), scoring(call)),
        false);
  }

  static PositivesOperation supCon() {
    return new PositivesOperation(
        "supcon",
        "SupCon, supervised contrastive loss: the mean over the positives.",
        List.of("loss = mean_i mean_{p in P_i} (lse_{j in A_i} s_ij - s_ip)"),
        List.of(),
        call -> new SupCon(selection(call), scoring(call)),
        false);
  }

  static PositivesOperation bce() {
    return new PositivesOperation(
        "bce",
        "Binary cross-entropy of every label.",
        List.of("loss = mean_i (sum_{j in A_i} softplus(s_ij) - sum_{p in P_i} s_ip) / |A_i|"),
        List.of(),
        call -> new MultiLabelBce(selection(call), scoring(call)),
        false);
  }

  private static Parameter<?> sum() {
    return Parameter.toggle("sum_positives", "add the positives of a row up, not their mean");
  }

  private static List<Parameter<?>> and(List<Parameter<?>> own) {
    List<Parameter<?>> all = new ArrayList<>(own);
    all.add(Parameter.toggle("weighted", "positives count by their relevances, not 1 each"));
    all.add(Parameter.whole("sample", 0, "positives drawn in each row; 0: all of them count"));
    all.add(Parameter.whole("seed", 0, "which draw it is"));
    all.addAll(normalizations());
    return all;
  }

  private static PositiveSelection selection(Call call) {
    return new PositiveSelection(call.isSet("weighted"), call.whole("sample"), call.whole("seed"));
  }

  @Override
  List<Input> ownInputs() {
    Input positives = new Input("positives", Role.SETS, "[n,l]", true, "the labels that are right");
    Input rows = new Input(K_ROWS, Role.INDEX, "[n]", false, "a k for each row");
    return selectsK ? List.of(positives, rows) : List.of(positives);
  }

  @Override
  public Map<String, String> outputs() {
    return selectsK ? Map.of("threshold", "[n]  the thresholds t_i.") : Map.of();
  }

  @Override
  public String synopsis() {
    return "--x FILE --y FILE --positives FILE";
  }

  @Override
  LabelInputs inputs(Call call, Tensor x, Tensor labels) {
    LabelSets positives = sets(call, "positives").sets();
    LabelInputs inputs =
        labels == null ? LabelInputs.ofScores(x, positives) : LabelInputs.of(x, labels, positives);
    if (call.tensor(K_ROWS) == null) {
      return inputs;
    }
    if (call.given().contains("k")) {
      throw new UsageException("--k: expected only one of --k and --k-rows, got both");
    }
    return inputs.kRows(call.tensor(K_ROWS));
  }
}
