package org.lossmith;

/**
 * Retrieval: the k best labels of every row, exactly, without storing the matrix of scores.
 *
 * <pre>{@code
 * s_ij = <x_i, z_j> / temperature + bias_j
 * j ranks before j'  <=>  s_ij > s_ij', or s_ij = s_ij' and j < j'
 * }</pre>
 *
 * <p>NaN ranks after every number. Where fewer than k labels are left, the remaining ids are -1 and
 * the remaining scores negative infinity. The result is the same whatever the number of threads or
 * the budget of the context. Beside one matrix product a search compares every score once with the
 * k-th best of its row so far.
 *
 * <p>The ten best labels of every query, without those that it has already:
 *
 * <pre>{@code
 * TopKInputs inputs = TopKInputs.of(x, labels).excluded(known);
 * try (TopKResult found = TopK.of(10).search(context, inputs)) {
 *   long best = found.idArray()[0];
 * }
 * }</pre>
 *
 * @param k labels per row, {@code >= 1}; on a CUDA device at most 2048
 * @param temperature divides the products; finite, {@code > 0}
 * @param normalizeX whether rows of x are divided by their norms first (a row of norm {@code <=
 *     1e-12} becomes 0)
 * @param normalizeLabels whether labels are divided by their norms first
 */
public record TopK(long k, double temperature, boolean normalizeX, boolean normalizeLabels) {
  /**
   * Checks the components.
   *
   * @param k labels per row, {@code >= 1}; on a CUDA device at most 2048
   * @param temperature divides the products; finite, {@code > 0}
   * @param normalizeX whether rows of x are divided by their norms first (a row of norm {@code <=
   *     1e-12} becomes 0)
   * @param normalizeLabels whether labels are divided by their norms first
   * @throws IllegalArgumentException for a component outside its range
   */
  public TopK {
    Checks.that(k >= 1, "k", "a value >= 1", k);
    Checks.positive("temperature", temperature);
  }

  /**
   * Products as they are.
   *
   * @param k labels per row, {@code >= 1}
   * @return a search
   * @throws IllegalArgumentException for a value outside its range
   */
  public static TopK of(long k) {
    return new TopK(k, 1, false, false);
  }

  /**
   * Cosines: both sides are divided by their norms.
   *
   * @param k labels per row, {@code >= 1}
   * @return a search
   * @throws IllegalArgumentException for a value outside its range
   */
  public static TopK cosine(long k) {
    return new TopK(k, 1, true, true);
  }

  /**
   * Searches queries among labels.
   *
   * @param context where to compute
   * @param x [n,d] queries
   * @param labels [l,d] embeddings of the labels, of the same element type
   * @return a new result, to be closed by the caller
   * @throws IllegalArgumentException if an argument is null or does not fit
   * @throws IllegalStateException if an argument is closed
   * @throws BudgetException if the budget of the context is too small
   */
  public TopKResult search(Context context, Tensor x, Tensor labels) {
    return search(context, TopKInputs.of(x, labels));
  }

  /**
   * Searches.
   *
   * @param context where to compute
   * @param inputs what to search in
   * @return a new result, to be closed by the caller
   * @throws IllegalArgumentException if an argument is null or an input does not fit
   * @throws IllegalStateException if the context or an input is closed
   * @throws UnsupportedOperationException if the device does not offer such a k
   * @throws BudgetException if the budget of the context is too small
   */
  public TopKResult search(Context context, TopKInputs inputs) {
    Checks.given("context", context);
    TopKResult result = result(inputs);
    try {
      search(context, inputs, result);
      return result;
    } catch (RuntimeException | Error e) {
      result.close();
      throw e;
    }
  }

  /**
   * Searches, and overwrites a result. A call on shapes that the context has seen before allocates
   * nothing.
   *
   * @param context where to compute
   * @param inputs what to search in
   * @param result what to overwrite, made by {@link #result} for inputs of the same shapes
   * @throws IllegalArgumentException if an argument is null, or an input or the result does not
   *     fit; the result is then unchanged
   * @throws IllegalStateException if the context, an input or the result is closed
   * @throws UnsupportedOperationException if the device does not offer such a k
   * @throws BudgetException if the budget of the context is too small
   */
  public void search(Context context, TopKInputs inputs, TopKResult result) {
    TopKCalls.search(this, context, inputs, result);
  }

  /**
   * Allocates a result for repeated use; computes nothing.
   *
   * @param inputs inputs of the shapes and element types to come
   * @return a new result of zeros, to be closed by the caller
   * @throws IllegalArgumentException if {@code inputs} is null
   */
  public TopKResult result(TopKInputs inputs) {
    return TopKResult.of(k, inputs);
  }

  /**
   * This search with another component.
   *
   * @param k the new value
   * @return a new search
   * @throws IllegalArgumentException for a value outside its range
   */
  public TopK withK(long k) {
    return new TopK(k, temperature, normalizeX, normalizeLabels);
  }

  /**
   * This search with another component.
   *
   * @param temperature the new value
   * @return a new search
   * @throws IllegalArgumentException for a value outside its range
   */
  public TopK withTemperature(double temperature) {
    return new TopK(k, temperature, normalizeX, normalizeLabels);
  }

  /**
   * This search with another component.
   *
   * @param normalizeX the new value
   * @return a new search
   */
  public TopK withNormalizeX(boolean normalizeX) {
    return new TopK(k, temperature, normalizeX, normalizeLabels);
  }

  /**
   * This search with another component.
   *
   * @param normalizeLabels the new value
   * @return a new search
   */
  public TopK withNormalizeLabels(boolean normalizeLabels) {
    return new TopK(k, temperature, normalizeX, normalizeLabels);
  }
}
