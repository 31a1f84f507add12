package org.lossmith;

import java.lang.ref.Reference;
import org.lossmith.internal.LossmithNative;
import org.lossmith.internal.SoftTopKOptions;
import org.lossmith.internal.base.Status;

/**
 * The soft top-k operator: differentiable membership of the k largest of every row of scores.
 *
 * <pre>{@code
 * y_ij = sigm(alpha (s_ij + t_i)),   t_i such that sum_j y_ij = k_i
 * }</pre>
 *
 * <p>The output is ln y, which keeps its digits where y underflows, or y with {@code plain}.
 * Entries that a row ignores are no part of the sum; their output is negative infinity, or 0. For
 * an upstream gradient g
 *
 * <pre>{@code
 * u_ij = alpha g_ij sigm(-alpha (s_ij + t_i))          (plain: times y_ij)
 * gradient_ij = u_ij - (sum_k u_ik) y_ij (1 - y_ij) / sum_k y_ik (1 - y_ik)
 * }</pre>
 *
 * <p>Every row of the gradient sums to 0. A row's memberships sum to k within 1e-6 k. {@link
 * SoftTopK} is the loss of this operator over embeddings, which never stores the scores.
 *
 * <pre>{@code
 * try (Tensor y = SoftTopKOperator.of(5).withPlain(true).memberships(context, scores)) {
 *   float[] memberships = y.toFloatArray();
 * }
 * }</pre>
 *
 * <p>Paper: Gupta et al., Dual-Encoders for Extreme Multi-Label Classification, ICLR 2024 (arXiv
 * 2310.10636).
 *
 * @param alpha steepness, finite, {@code > 0}
 * @param k members of every row, more than 0 and less than the entries of a row that it does not
 *     ignore; 0: every row has its own
 * @param plain whether the output is y instead of ln y
 */
public record SoftTopKOperator(double alpha, long k, boolean plain) {
  /**
   * Checks the components.
   *
   * @param alpha steepness, finite, {@code > 0}
   * @param k members of every row, {@code >= 1}; 0: every row has its own
   * @param plain whether the output is y instead of ln y
   * @throws IllegalArgumentException for a component outside its range
   */
  public SoftTopKOperator {
    Checks.positive("alpha", alpha);
    Checks.that(k >= 0, "k", "a value >= 0", k);
  }

  /**
   * The paper's steepness 2, and ln y.
   *
   * @param k members of every row, {@code >= 1}; 0: every row has its own
   * @return an operator
   * @throws IllegalArgumentException for a value outside its range
   */
  public static SoftTopKOperator of(long k) {
    return new SoftTopKOperator(2, k, false);
  }

  /**
   * This operator with another component.
   *
   * @param alpha the new value
   * @return a new operator
   * @throws IllegalArgumentException for a value outside its range
   */
  public SoftTopKOperator withAlpha(double alpha) {
    return new SoftTopKOperator(alpha, k, plain);
  }

  /**
   * This operator with another component.
   *
   * @param plain the new value
   * @return a new operator
   */
  public SoftTopKOperator withPlain(boolean plain) {
    return new SoftTopKOperator(alpha, k, plain);
  }

  /**
   * The memberships of rows of scores that ignore nothing.
   *
   * @param context where to compute
   * @param scores [n,l] f32, bf16, f16 or f64
   * @return [n,l] of the type of scores, a new tensor to be closed by the caller
   * @throws IllegalArgumentException if an argument does not fit
   * @throws IllegalStateException if an argument is closed
   * @throws BudgetException if the budget of the context is too small
   */
  public Tensor memberships(Context context, Tensor scores) {
    Checks.given("scores", scores);
    Tensor out = Tensor.zeros(scores.device(), scores.dtype(), scores.shape());
    try {
      evaluate(context, scores, null, null, null, out, null, null);
      return out;
    } catch (RuntimeException | Error e) {
      out.close();
      throw e;
    }
  }

  /**
   * The gradient of the scores for a gradient of the memberships.
   *
   * @param context where to compute
   * @param scores [n,l] f32, bf16, f16 or f64
   * @param upstream [n,l], f32 or the type of scores: the gradient of what follows
   * @return [n,l] of the type of scores, a new tensor to be closed by the caller
   * @throws IllegalArgumentException if an argument does not fit
   * @throws IllegalStateException if an argument is closed
   * @throws BudgetException if the budget of the context is too small
   */
  public Tensor gradient(Context context, Tensor scores, Tensor upstream) {
    Checks.given("scores", scores);
    Tensor out = Tensor.zeros(scores.device(), scores.dtype(), scores.shape());
    try {
      evaluate(context, scores, null, null, upstream, null, null, out);
      return out;
    } catch (RuntimeException | Error e) {
      out.close();
      throw e;
    }
  }

  /**
   * Everything at once, into given memory.
   *
   * @param context where to compute
   * @param scores [n,l] f32, bf16, f16 or f64
   * @param rowMembers [n] i32 or i64: k of every row, where {@code k} is 0, else null
   * @param ignored entries that the rows leave out; null for none
   * @param upstream [n,l], f32 or the type of scores, together with {@code gradient}; else null
   * @param memberships [n,l], f32 or the type of scores; null if not wanted
   * @param threshold [n] f32 or f64: t; null if not wanted
   * @param gradient [n,l], f32 or the type of scores; null if not wanted
   * @throws IllegalArgumentException if an argument does not fit
   * @throws IllegalStateException if an argument is closed
   * @throws BudgetException if the budget of the context is too small
   */
  public void evaluate(
      Context context,
      Tensor scores,
      Tensor rowMembers,
      LabelSets ignored,
      Tensor upstream,
      Tensor memberships,
      Tensor threshold,
      Tensor gradient) {
    Checks.given("context", context);
    Checks.given("scores", scores);
    long address = context.begin();
    try {
      Status.check(
          LossmithNative.lsm_soft_top_k(
              address,
              context.options().of(this),
              context.use(scores),
              context.use(rowMembers),
              context.use(ignored == null ? null : ignored.offsets()),
              context.use(ignored == null ? null : ignored.ids()),
              context.use(upstream),
              context.use(memberships),
              context.use(threshold),
              context.use(gradient)));
    } finally {
      context.end();
      Reference.reachabilityFence(ignored);
    }
  }

  /** Writes the hyperparameters into their native form. */
  void fill(SoftTopKOptions options) {
    options.alpha(alpha).k(k).plain(plain ? 1 : 0);
  }
}
