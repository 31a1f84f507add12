package org.lossmith.cli.eval;

import java.util.Map;
import java.util.OptionalDouble;
import org.lossmith.Context;
import org.lossmith.Tensor;
import org.lossmith.Update;
import org.lossmith.cli.UsageException;

/** A step and the weights after it. The inputs stay, so that it can be repeated. */
final class UpdateEvaluation implements Evaluation {
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
    newWeights = weights.to(weights.dtype());
    newState = keeps ? firstState(call.tensor("state"), newWeights) : null;
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

  @Override
  public Map<String, Object> facts() {
    return Map.of();
  }

  @Override
  public OptionalDouble loss() {
    return OptionalDouble.empty();
  }

  @Override
  public Tensor gradient(String name) {
    throw new IllegalArgumentException("gradient: expected none, got " + name);
  }

  @Override
  public Tensor rowLoss() {
    throw new IllegalArgumentException("rowLoss: expected none, got a request");
  }

  @Override
  public Tensor output(String name) {
    return switch (name) {
      case UpdateOperation.WEIGHTS -> newWeights;
      case UpdateOperation.STATE -> newState;
      default ->
          throw new IllegalArgumentException(
              "output: expected "
                  + UpdateOperation.WEIGHTS
                  + " or "
                  + UpdateOperation.STATE
                  + ", got "
                  + name);
    };
  }

  @Override
  public void close() {
    newWeights.close();
    if (newState != null) {
      newState.close();
    }
  }
}
