package org.lossmith;

/**
 * The tensors that a search reads. Immutable: every method named after an input returns new inputs
 * with that one set. The tensors stay the caller's.
 */
public final class TopKInputs {
  static final int X = 0;
  static final int LABELS = 1;
  static final int BIAS = 2;
  static final int EXCLUDED_OFFSETS = 3;
  static final int EXCLUDED_IDS = 4;
  private static final int COUNT = 5;

  private final Tensor[] tensors;

  private TopKInputs(Tensor[] tensors) {
    this.tensors = tensors;
  }

  /**
   * A search of queries among labels.
   *
   * @param x [n,d] queries
   * @param labels [l,d] embeddings of the labels, of the same element type
   * @return inputs
   * @throws IllegalArgumentException if one is null or not a matrix
   */
  public static TopKInputs of(Tensor x, Tensor labels) {
    matrix("x", x);
    matrix("labels", labels);
    Tensor[] tensors = new Tensor[COUNT];
    tensors[X] = x;
    tensors[LABELS] = labels;
    return new TopKInputs(tensors);
  }

  /**
   * A search in products that somebody else has computed.
   *
   * @param products [n,l], in place of {@code <x_i, z_j>}
   * @return inputs
   * @throws IllegalArgumentException if it is null or not a matrix
   */
  public static TopKInputs ofProducts(Tensor products) {
    matrix("products", products);
    Tensor[] tensors = new Tensor[COUNT];
    tensors[X] = products;
    return new TopKInputs(tensors);
  }

  /**
   * Sets what is added to the scores of a label.
   *
   * @param bias [l] or one element, F32 or F64
   * @return new inputs
   * @throws IllegalArgumentException if it is null
   */
  public TopKInputs bias(Tensor bias) {
    Tensor[] copy = tensors.clone();
    copy[BIAS] = Checks.given("bias", bias);
    return new TopKInputs(copy);
  }

  /**
   * Sets the labels that each row leaves out, for example those that are known already. The order
   * within a row does not matter; relevances are not looked at.
   *
   * @param excluded n rows, on the device of x
   * @return new inputs
   * @throws IllegalArgumentException if it is null
   */
  public TopKInputs excluded(LabelSets excluded) {
    Checks.given("excluded", excluded);
    Tensor[] copy = tensors.clone();
    copy[EXCLUDED_OFFSETS] = excluded.offsets();
    copy[EXCLUDED_IDS] = excluded.ids();
    return new TopKInputs(copy);
  }

  /**
   * The queries, or the products.
   *
   * @return [n,d], or [n,l] where there are no labels
   */
  public Tensor x() {
    return tensors[X];
  }

  private static void matrix(String name, Tensor tensor) {
    Checks.given(name, tensor);
    Checks.that(tensor.rank() == 2, name, "a matrix", tensor);
  }

  /** All inputs by slot; not to be changed. */
  Tensor[] tensors() {
    return tensors;
  }
}
