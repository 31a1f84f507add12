package org.lossmith.cli.eval;

import org.lossmith.Context;
import org.lossmith.ContrastiveInputs;
import org.lossmith.ContrastiveLoss;
import org.lossmith.LossResult;

/** A call of a contrastive loss. */
final class ContrastiveEvaluation extends LossEvaluation {
  private final ContrastiveLoss loss;
  private final ContrastiveInputs inputs;
  private final Context context;

  private ContrastiveEvaluation(
      ContrastiveLoss loss, ContrastiveInputs inputs, Context context, Call call, String[] wanted) {
    super(context, call, loss.plan(context, inputs, wanted), loss.result(inputs, wanted));
    this.loss = loss;
    this.inputs = inputs;
    this.context = context;
  }

  static ContrastiveEvaluation of(
      ContrastiveLoss loss, ContrastiveInputs inputs, Context context, Call call) {
    String[] wanted = wanted(call).toArray(String[]::new);
    return new ContrastiveEvaluation(loss, inputs, context, call, wanted);
  }

  @Override
  void evaluate(LossResult result) {
    loss.evaluate(context, inputs, result);
  }
}
