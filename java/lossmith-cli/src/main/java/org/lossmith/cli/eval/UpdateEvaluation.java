package org.lossmith.cli.eval;

import org.lossmith.Context;
import org.lossmith.Tensor;
import org.lossmith.Update;
import org.lossmith.cli.UsageException;

/** A step and the weights after it. The inputs stay, so that it can be repeated. */
final class UpdateEvaluation extends TensorsEvaluation {
  private final Update update;
  private final Context context;
  private final Call call;
  private final Tensor newWeights;

  /** Null where the rule keeps none. */
  private final Tensor newState;

  UpdateEvaluation(Update update, Context context, Call call) {
    this.update = update;
    this.context = context;
    this.call = call;
    boolean keeps = update.rule().hasState();
    if (!keeps && call.outputs().contains(UpdateOperation.STATE)) {
      throw new UsageException("--new-state: expected a rule that keeps a state, got sgd");
    }
    if (!keeps && call.tensor("state") != null) {
      throw new UsageException("--state: expected a rule that keeps a state, got sgd");
    }
    Tensor weights = call.tensor("weights");
    newWeights = result(UpdateOperation.WEIGHTS, weights.to(weights.dtype()));
    newState = keeps ? firstState(call.tensor("state"), newWeights) : null;
    if (keeps) {
      result(UpdateOperation.STATE, newState);
    }
  }

  private Tensor firstState(Tensor given, Tensor weights) {
    try {
      return given != null ? given.to(given.dtype()) : update.newState(weights);
    } catch (RuntimeException | Error e) {
      weights.close();
      throw e;
    }
  }

  @Override
  public void run() {
    Tensor weights = call.tensor("weights");
    if (newState != null) {
      resetState();
    }
    update.step(
        context,
        call.tensor("gradient"),
        call.tensor("row_ids"),
        weights,
        newState,
        newWeights,
        call.whole("step"));
    context.synchronize();
  }

  /** As it was before the step. */
  private void resetState() {
    if (call.tensor("state") != null) {
      newState.copyFrom(call.tensor("state"));
      return;
    }
    try (Tensor zeros = Tensor.zeros(newState.device(), newState.dtype(), newState.shape())) {
      newState.copyFrom(zeros);
    }
  }
}
