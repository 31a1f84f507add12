package org.lossmith.cli.train;

import com.fasterxml.jackson.annotation.JsonValue;
import org.lossmith.DecoupledSoftmax;
import org.lossmith.LabelLoss;
import org.lossmith.MultiLabelBce;
import org.lossmith.MultiLabelInfoNce;
import org.lossmith.NormalizedSoftmax;
import org.lossmith.PositiveSelection;
import org.lossmith.Scoring;
import org.lossmith.SoftTopK;
import org.lossmith.SoftmaxCrossEntropy;
import org.lossmith.SupCon;

/** The losses that a training can use, by the names of the command line. */
public enum LossKind {
  DECOUPLED_SOFTMAX("decoupled-softmax"),
  SOFT_TOPK("soft-topk"),
  MULTILABEL_INFONCE("multilabel-infonce"),
  SUPCON("supcon"),
  BCE("bce"),
  SOFTMAX("softmax"),
  NORMALIZED_SOFTMAX("normalized-softmax");

  private final String flag;

  LossKind(String flag) {
    this.flag = flag;
  }

  /** Whether an example has one target, so that a point with several labels is several examples. */
  public boolean singleTarget() {
    return this == SOFTMAX || this == NORMALIZED_SOFTMAX;
  }

  /**
   * The loss of a step.
   *
   * @param settings its hyperparameters
   * @param seed decides which positives are drawn, where they are drawn
   */
  LabelLoss loss(TrainSettings settings, long seed) {
    Scoring scoring =
        Scoring.of(settings.temperature())
            .withNormalizeX(settings.normalize())
            .withNormalizeLabels(settings.normalize());
    PositiveSelection positives = PositiveSelection.sampled(settings.sample(), seed);
    return switch (this) {
      case DECOUPLED_SOFTMAX -> DecoupledSoftmax.of(scoring).withPositives(positives);
      case SOFT_TOPK ->
          SoftTopK.of(scoring)
              .withPositives(positives)
              .withAlpha(settings.alpha())
              .withK(settings.k());
      case MULTILABEL_INFONCE -> MultiLabelInfoNce.of(scoring).withPositives(positives);
      case SUPCON -> SupCon.of(scoring).withPositives(positives);
      case BCE -> MultiLabelBce.of(scoring).withPositives(positives);
      case SOFTMAX -> SoftmaxCrossEntropy.of(scoring).withLabelSmoothing(settings.labelSmoothing());
      case NORMALIZED_SOFTMAX ->
          NormalizedSoftmax.of(settings.temperature())
              .withLabelSmoothing(settings.labelSmoothing());
    };
  }

  /** Returns the name on the command line and in JSON. */
  @Override
  @JsonValue
  public String toString() {
    return flag;
  }
}
