package org.lossmith;

/**
 * Losses of queries against labels, from some hundred to many millions of them. The labels are a
 * table of embeddings or the weights of a linear head; each query has a set of labels that are
 * right, or a target. Scores are those of {@link Scoring}; the n x l matrix of them is never stored
 * whole unless the budget of the context holds it.
 *
 * <p>P_i are the positives of row i: the labels of its set with a relevance above 1e-8. A_i are all
 * labels, or the {@linkplain LabelInputs#candidates candidates}, without those that the row
 * {@linkplain LabelInputs#ignored ignores}; a positive outside A_i is left out, one that is given
 * twice counts once. With lse_{j in S} s_ij = ln sum_{j in S} exp(s_ij), softplus(x) = ln(1 +
 * exp(x)), v_ip = 1 or the relevance ({@link PositiveSelection#weighted}), l_i = |A_i|:
 *
 * <pre>{@code
 * DecoupledSoftmax     (1/|P_i|) sum_p v_ip softplus(lse_{j in A_i \ P_i} s_ij - s_ip)
 * SoftTopK             -(1/|P_i|) sum_p v_ip ln y_ip,
 *                      y_ij = sigm(alpha (s_ij + t_i)), sum_j y_ij = k_i
 * MultiLabelInfoNce    sum_p v_ip (lse_{j in A_i} s_ij - s_ip)
 * SupCon               (1/|P_i|) sum_p v_ip (lse_{j in A_i} s_ij - s_ip)
 * MultiLabelBce        (1/l_i) (sum_{j in A_i} softplus(s_ij) - sum_p v_ip s_ip)
 * SoftmaxCrossEntropy  sum_j q_ij w_j (lse_{k in A_i} s_ik - s_ij)
 * NormalizedSoftmax    the same of unit rows
 * }</pre>
 *
 * <p>The loss of a row is multiplied by its row weight. A mean is divided by n, whether rows have
 * positives or not; with targets by the sum of the class weights of the targets that count. A row
 * without positives, without negatives (DecoupledSoftmax), or whose target is to be ignored has
 * loss 0 and gradient 0. Gradients are multiplied by the upstream gradient and by the row weights,
 * and are exact under any of them, {@link Scoring#filter} apart. None flows into relevances,
 * targets, class weights, k or alpha.
 *
 * <p>x and labels share one of F32, BF16, F16 and F64. Sums run in F32 or wider, F64 inputs are
 * computed in F64. A gradient has the element type of what it is the gradient of. The same input
 * gives the same bits, whatever the number of threads, the budget or the plan.
 *
 * <p>Where only a step of an optimizer wants the gradient of the labels, {@link
 * #evaluateAndUpdate(Context, LabelInputs, Update, Tensor, long, String...) evaluateAndUpdate}
 * steps each block of labels as soon as its gradient is complete, which is never stored:
 *
 * <pre>{@code
 * DecoupledSoftmax loss = DecoupledSoftmax.of(0.05);
 * LabelInputs inputs = LabelInputs.of(x, labels, positives);
 * try (LossResult result = loss.evaluateAndUpdate(context, inputs, adagrad, state, step, "x")) {
 *   backward(result.gradient("x")); // labels has been stepped already
 * }
 * }</pre>
 *
 * <p>On a CUDA device all tensors of a call are on the device of the context, and the call is
 * queued there. Values are not read back to be judged: a label that does not exist, sets whose
 * offsets fall, a target that its row ignores, a k outside its range and weights that are not
 * finite are errors on the CPU, and make the loss of the row NaN on the device.
 *
 * <p>Cost: 6 n l d floating-point operations when the scores are kept, 8 n l d when they are
 * computed again (SoftTopK: up to five products more), 2 n l d for the loss alone.
 *
 * <p>A loss is a value: immutable, and safe for use by any number of threads.
 */
public sealed interface LabelLoss
    permits DecoupledSoftmax,
        SoftTopK,
        MultiLabelInfoNce,
        SupCon,
        MultiLabelBce,
        SoftmaxCrossEntropy,
        NormalizedSoftmax {
  /**
   * How scores come about, and what becomes of the losses of the rows.
   *
   * @return a scoring
   */
  Scoring scoring();

  /**
   * This loss with another scoring.
   *
   * @param scoring the new value
   * @return a new loss
   * @throws IllegalArgumentException if it is null
   */
  LabelLoss withScoring(Scoring scoring);

  /**
   * Computes the loss, and the gradients that are wanted.
   *
   * @param context where to compute
   * @param inputs what to compute from
   * @param wanted any of {@code "x"} (also for given scores), {@code "labels"}, {@code
   *     "log_scale"}, {@code "bias"} for their gradients, {@code "row_loss"}, and {@code
   *     "threshold"} with {@link SoftTopK}; what is not wanted is not computed
   * @return a new result, to be closed by the caller
   * @throws IllegalArgumentException if an argument is null or an input does not fit
   * @throws IllegalStateException if the context or an input is closed
   * @throws BudgetException if the budget of the context is too small
   */
  default LossResult evaluate(Context context, LabelInputs inputs, String... wanted) {
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
  default void evaluate(Context context, LabelInputs inputs, LossResult result) {
    LabelCalls.evaluate(this, context, inputs, result);
  }

  /**
   * Computes the loss and the gradients that are wanted, and steps the labels in place by their
   * gradient, which is never stored. The same bits as evaluating with an F32 gradient of the labels
   * and stepping by that.
   *
   * @param context where to compute
   * @param inputs what to compute from; their labels are overwritten
   * @param update the rule of the step; {@link NormalizedSoftmax} may add the projection to unit
   *     rows
   * @param state [l,d] what the rule keeps from step to step, F32 (F64 for F64 labels),
   *     overwritten; null for a rule without state
   * @param step the number of this step, which decides how stochastic rounding falls
   * @param wanted as in {@link #evaluate(Context, LabelInputs, String...)}, without {@code
   *     "labels"}
   * @return a new result, to be closed by the caller
   * @throws IllegalArgumentException if another argument is null or an input does not fit; nothing
   *     has been written then
   * @throws IllegalStateException if the context or a tensor is closed
   * @throws BudgetException if the budget of the context is too small
   */
  default LossResult evaluateAndUpdate(
      Context context,
      LabelInputs inputs,
      Update update,
      Tensor state,
      long step,
      String... wanted) {
    Checks.given("context", context);
    LossResult result = result(inputs, wanted);
    try {
      evaluateAndUpdate(context, inputs, update, state, step, result);
      return result;
    } catch (RuntimeException | Error e) {
      result.close();
      throw e;
    }
  }

  /**
   * Computes the loss and the gradients that a result has room for, overwriting it, and steps the
   * labels in place. A call on shapes that the context has seen before allocates nothing.
   *
   * @param context where to compute
   * @param inputs what to compute from; their labels are overwritten
   * @param update the rule of the step
   * @param state as in {@link #evaluateAndUpdate(Context, LabelInputs, Update, Tensor, long,
   *     String...)}
   * @param step the number of this step
   * @param result what to overwrite, made by {@link #result} for inputs of the same shapes
   * @throws IllegalArgumentException if an argument is null, or an input or the result does not
   *     fit; nothing has been written then
   * @throws IllegalStateException if the context, a tensor or the result is closed
   * @throws BudgetException if the budget of the context is too small
   */
  default void evaluateAndUpdate(
      Context context,
      LabelInputs inputs,
      Update update,
      Tensor state,
      long step,
      LossResult result) {
    LabelCalls.evaluateAndUpdate(this, context, inputs, update, state, step, result);
  }

  /**
   * Allocates a result for repeated use; computes nothing.
   *
   * @param inputs inputs of the shapes and element types to come
   * @param wanted as in {@link #evaluate(Context, LabelInputs, String...)}
   * @return a new result of zeros, to be closed by the caller
   * @throws IllegalArgumentException for a name that is not known, {@code "bias"} or {@code
   *     "labels"} where the inputs have none, or {@code "threshold"} of a loss that has none
   */
  default LossResult result(LabelInputs inputs, String... wanted) {
    return LossResult.of(this, inputs, wanted);
  }

  /**
   * What a call would do and the workspace it would take; computes nothing.
   *
   * @param context where it would be computed
   * @param inputs from what
   * @param wanted as in {@link #evaluate(Context, LabelInputs, String...)}
   * @return the plan
   * @throws BudgetException if the budget of the context is too small
   */
  default ContrastivePlan plan(Context context, LabelInputs inputs, String... wanted) {
    return LabelCalls.plan(this, context, inputs, wanted);
  }

  /**
   * What a call with a step of the labels would do and the workspace it would take; computes
   * nothing.
   *
   * @param context where it would be computed
   * @param inputs from what
   * @return the plan
   * @throws BudgetException if the budget of the context is too small
   */
  default ContrastivePlan updatePlan(Context context, LabelInputs inputs) {
    return LabelCalls.updatePlan(this, context, inputs);
  }
}
