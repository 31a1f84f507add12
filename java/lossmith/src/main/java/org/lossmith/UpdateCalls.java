package org.lossmith;

import org.lossmith.internal.LossmithNative;
import org.lossmith.internal.UpdateOptions;
import org.lossmith.internal.base.Status;

/**
 * Carries the steps of {@link Update} over to the native library. Nothing here allocates on the
 * Java heap during a warm step.
 */
final class UpdateCalls {
  private UpdateCalls() {}

  static void step(
      Update update,
      Context context,
      Tensor gradient,
      Tensor rowIds,
      Tensor weights,
      Tensor state,
      Tensor newWeights,
      long step) {
    Checks.given("context", context);
    Checks.given("gradient", gradient);
    Checks.given("weights", weights);
    Checks.given("newWeights", newWeights);
    long address = context.begin();
    try {
      Status.check(
          LossmithNative.lsm_update_step(
              address,
              context.options().of(update, step),
              context.use(gradient),
              context.use(rowIds),
              context.use(weights),
              context.use(state),
              context.use(newWeights)));
    } finally {
      context.end();
    }
  }

  /** Writes the hyperparameters of an update into their native form; the step is not one. */
  static void fill(UpdateOptions options, Update update) {
    options
        .rule(update.rule().code())
        .project_rows(update.projectRows() ? 1 : 0)
        .stochastic_rounding(update.stochasticRounding() ? 1 : 0)
        .learning_rate(update.learningRate())
        .momentum(update.momentum())
        .beta2(update.beta2())
        .epsilon(update.epsilon())
        .weight_decay(update.weightDecay())
        .seed(update.seed());
  }
}
