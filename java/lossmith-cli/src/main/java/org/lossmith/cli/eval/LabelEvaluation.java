package org.lossmith.cli.eval;

import org.lossmith.Context;
import org.lossmith.LabelInputs;
import org.lossmith.LabelLoss;
import org.lossmith.LossResult;

/** A call of a loss over labels. */
final class LabelEvaluation extends LossEvaluation {
  private final LabelLoss loss;
  private final LabelInputs inputs;
  private final Context context;

  private LabelEvaluation(
      LabelLoss loss, LabelInputs inputs, Context context, Call call, String[] wanted) {
    super(context, call, loss.plan(context, inputs, wanted), loss.result(inputs, wanted));
    this.loss = loss;
    this.inputs = inputs;
    this.context = context;
  }

  static LabelEvaluation of(LabelLoss loss, LabelInputs inputs, Context context, Call call) {
    String[] wanted =
        wanted(call).stream().map(LabelEvaluation::nameInLibrary).toArray(String[]::new);
    return new LabelEvaluation(loss, inputs, context, call, wanted);
  }

  private static String nameInLibrary(String name) {
    return switch (name) {
      case "y" -> "labels";
      case "scores" -> "x";
      default -> name;
    };
  }

  @Override
  String libraryName(String gradient) {
    return nameInLibrary(gradient);
  }

  @Override
  void evaluate(LossResult result) {
    loss.evaluate(context, inputs, result);
  }
}
