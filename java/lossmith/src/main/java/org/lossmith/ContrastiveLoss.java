package org.lossmith;

/**
 * Contrastive losses over two sets of embeddings. Scores are
 *
 * <pre>{@code
 * s_ij = scale <x_i, y_j> + bias_j,    scale = min(exp(logScale), maxScale)
 * }</pre>
 *
 * <p>with logScale = -ln(temperature) where the inputs have none, and with lse_j z_j = ln sum_j
 * exp(z_j)
 *
 * <pre>{@code
 * row direction      lx_i = lse_j s_ij - sum_j t_ij s_ij       (x_i looks for its y)
 * column direction   ly_i = lse_k s_ki - sum_k u_ki s_ki       (y_i looks for its x)
 * loss_i = rowWeight_i (rowCoefficient lx_i + columnCoefficient ly_i)
 * t_ij = (1-e) a_ij + e/m,  u_ki = (1-e) [k = i] + e/n,  e = labelSmoothing
 * }</pre>
 *
 * <p>where a_ij is what the loss says. The n x m scores are never stored whole unless the budget of
 * the context holds them. Gradients are multiplied by the upstream gradient and by the row weights,
 * and are exact under any of them.
 *
 * <p>x and y share one of F32, BF16, F16 and F64. Sums run in F32 or wider, F64 inputs are computed
 * in F64. A gradient has the element type of what it is the gradient of. The same input gives the
 * same bits, whatever the number of threads, the budget or the plan.
 *
 * <p>On a CUDA device all tensors of a call are on the device of the context, and the call is
 * queued there. Values are not read back to be judged: a row weight that is not finite, an explicit
 * weight that is negative or not finite, and a reference row that is too long are errors on the
 * CPU, and make the loss and the gradients that depend on them NaN on the device.
 *
 * <p>Cost: 6 n m d floating-point operations when the scores are kept, 8 n m d when they are
 * computed again, 2 n m d for the loss alone.
 *
 * <p>A loss is a value: immutable, and safe for use by any number of threads.
 */
public sealed interface ContrastiveLoss permits InfoNce, Cwcl {
  /**
   * The temperature, which divides the scores where the inputs have no logScale.
   *
   * @return {@code > 0}
   */
  double temperature();

  /**
   * The largest scale; where it clamps, the gradient of logScale is 0.
   *
   * @return {@code > 0}, infinity for none
   */
  double maxScale();

  /**
   * The coefficient of the row direction.
   *
   * @return {@code >= 0}
   */
  double rowCoefficient();

  /**
   * The coefficient of the column direction, which is not computed when it is 0.
   *
   * @return {@code >= 0}
   */
  double columnCoefficient();

  /**
   * The share of the targets that is spread evenly.
   *
   * @return in [0, 1)
   */
  double labelSmoothing();

  /**
   * How row losses become one loss.
   *
   * @return a reduction
   */
  Reduction reduction();

  /**
   * Whether x and y are divided by their row norms first, with the exact gradient through that.
   *
   * @return true if so
   */
  boolean normalize();

  /**
   * What happens to the scores between loss and gradient.
   *
   * @return a plan
   */
  Plan plan();

  /**
   * Computes the loss, and the gradients that are wanted.
   *
   * @param context where to compute
   * @param inputs what to compute from
   * @param wanted any of {@code "x"}, {@code "y"}, {@code "log_scale"}, {@code "bias"} for their
   *     gradients, and {@code "row_loss"}; what is not wanted is not computed
   * @return a new result, to be closed by the caller
   * @throws IllegalArgumentException if an argument is null or an input does not fit
   * @throws IllegalStateException if the context or an input is closed
   * @throws BudgetException if the budget of the context is too small
   */
  default LossResult evaluate(Context context, ContrastiveInputs inputs, String... wanted) {
    Checks.given("context", context);
    LossResult result = result(inputs, wanted);
    try {
      evaluate(context, inputs, result);
      return result;
    } catch (RuntimeException | Error e) {
      result.close();
      throw e;
    }
  }

  /**
   * Computes the loss and the gradients that a result has room for, overwriting it. A call on
   * shapes that the context has seen before allocates nothing.
   *
   * @param context where to compute
   * @param inputs what to compute from
   * @param result what to overwrite, made by {@link #result} for inputs of the same shapes
   * @throws IllegalArgumentException if an argument is null, or an input or the result does not
   *     fit; the result is then unchanged
   * @throws IllegalStateException if the context, an input or the result is closed
   * @throws BudgetException if the budget of the context is too small
   */
  default void evaluate(Context context, ContrastiveInputs inputs, LossResult result) {
    ContrastiveCalls.evaluate(this, context, inputs, result);
  }

  /**
   * Allocates a result for repeated use; computes nothing.
   *
   * @param inputs inputs of the shapes and element types to come
   * @param wanted as in {@link #evaluate(Context, ContrastiveInputs, String...)}
   * @return a new result of zeros, to be closed by the caller
   * @throws IllegalArgumentException for a name that is not known, or {@code "bias"} where the
   *     inputs have none
   */
  default LossResult result(ContrastiveInputs inputs, String... wanted) {
    return LossResult.of(reduction(), inputs, wanted);
  }

  /**
   * What a call would do and the workspace it would take; computes nothing.
   *
   * @param context where it would be computed
   * @param inputs from what
   * @param wanted as in {@link #evaluate(Context, ContrastiveInputs, String...)}
   * @return the plan
   * @throws BudgetException if the budget of the context is too small
   */
  default ContrastivePlan plan(Context context, ContrastiveInputs inputs, String... wanted) {
    return ContrastiveCalls.plan(this, context, inputs, wanted);
  }

  /**
   * The first half of a sharded evaluation: what the scores of this shard contribute.
   *
   * <p>Processes or devices that each hold rows of x and rows of y compute, one after another, the
   * statistics of their blocks; {@link ShardStatistics#merge} of them; the {@link #gradients} of
   * their blocks; and sums of the losses and of the gradients of the rows that several of them
   * hold. One shard that holds everything gives what {@link #evaluate} gives.
   *
   * @param context where to compute
   * @param shard which block of the scores
   * @param inputs the shard's rows of x and y, and of references or weights; pairs to ignore are
   *     left out of all shards instead
   * @return new statistics, to be closed by the caller
   * @throws IllegalArgumentException if an argument is null or does not fit
   */
  default ShardStatistics statistics(Context context, Shard shard, ContrastiveInputs inputs) {
    return ShardedCalls.statistics(this, context, shard, inputs);
  }

  /**
   * The second half of a sharded evaluation: the shard's addends of the loss and the gradients.
   *
   * @param context where to compute
   * @param shard which block of the scores
   * @param inputs as in {@link #statistics}; row weights and an upstream gradient by rows are those
   *     of the whole batch
   * @param merged the statistics of the whole batch
   * @param wanted as in {@link #evaluate(Context, ContrastiveInputs, String...)}; row losses are
   *     those of the whole batch
   * @return a new result, to be closed by the caller; its gradients of F16 and BF16 inputs are F32,
   *     because they are to be added up
   * @throws IllegalArgumentException if an argument is null or does not fit
   */
  default LossResult gradients(
      Context context,
      Shard shard,
      ContrastiveInputs inputs,
      ShardStatistics merged,
      String... wanted) {
    return ShardedCalls.gradients(this, context, shard, inputs, merged, wanted);
  }
}
