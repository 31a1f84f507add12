package org.lossmith;

/**
 * What a search has found, in memory that later searches can overwrite. Its tensors belong to it:
 * closing the result closes them.
 */
public final class TopKResult implements AutoCloseable {
  private final Tensor[] tensors;

  private TopKResult(Tensor scores, Tensor ids) {
    tensors = new Tensor[] {scores, ids};
  }

  static TopKResult of(long k, TopKInputs inputs) {
    Tensor x = Checks.given("inputs", inputs).x();
    long rows = x.size(0);
    DType dtype = x.dtype() == DType.F64 ? DType.F64 : DType.F32;
    Tensor scores = Tensor.zeros(x.device(), dtype, rows, k);
    try {
      return new TopKResult(scores, Tensor.zeros(x.device(), DType.I64, rows, k));
    } catch (RuntimeException | Error e) {
      scores.close();
      throw e;
    }
  }

  /**
   * The labels of every row, best first; -1 after the last where there are fewer than k.
   *
   * @return I64 [n,k]; belongs to this result
   */
  public Tensor ids() {
    return tensors[1];
  }

  /**
   * The scores of {@link #ids}, negative infinity after the last.
   *
   * @return [n,k], F64 for F64 embeddings, else F32; belongs to this result
   */
  public Tensor scores() {
    return tensors[0];
  }

  /**
   * The labels of every row, one row after another, after the work queued on their device is done.
   *
   * @return a new array of n k labels
   * @throws IllegalStateException if this result is closed
   * @throws UnsupportedOperationException if there are more than an array holds
   */
  public long[] idArray() {
    return Integers.of(ids());
  }

  /** Closes the tensors of this result. Idempotent. */
  @Override
  public void close() {
    for (Tensor tensor : tensors) {
      tensor.close();
    }
  }

  /** Scores and ids; not to be changed. */
  Tensor[] tensors() {
    return tensors;
  }
}
