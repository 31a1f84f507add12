package org.lossmith;

/**
 * The tensors that a contrastive loss reads. Immutable: every method named after an input returns
 * new inputs with that one set. The tensors stay the caller's.
 *
 * <p>n rows of x pair with the first n of m rows of y; both have d columns.
 */
public final class ContrastiveInputs {
  static final int X = 0;
  static final int Y = 1;
  static final int LOG_SCALE = 2;
  static final int BIAS = 3;
  static final int ROW_WEIGHT = 4;
  static final int UPSTREAM = 5;
  static final int IGNORE = 6;
  static final int REFERENCE = 7;
  static final int REFERENCE_Y = 8;
  static final int WEIGHTS = 9;

  private static final String[] NAMES = {
    "x",
    "y",
    "logScale",
    "bias",
    "rowWeight",
    "upstream",
    "ignore",
    "reference",
    "referenceY",
    "weights"
  };

  private final Tensor[] tensors;

  private ContrastiveInputs(Tensor[] tensors) {
    this.tensors = tensors;
  }

  /**
   * Inputs that consist of the embeddings alone.
   *
   * @param x [n,d] queries; for {@link Cwcl} modality U
   * @param y [m,d] candidates, m {@code >=} n, of the same element type; for {@link Cwcl} modality
   *     V
   * @return inputs
   * @throws IllegalArgumentException if one is null or not a matrix
   */
  public static ContrastiveInputs of(Tensor x, Tensor y) {
    matrix(X, x);
    matrix(Y, y);
    Tensor[] tensors = new Tensor[NAMES.length];
    tensors[X] = x;
    tensors[Y] = y;
    return new ContrastiveInputs(tensors);
  }

  /**
   * Sets the learnable ln of the scale, which replaces the temperature of the loss.
   *
   * @param logScale one element, F32 or F64
   * @return new inputs
   */
  public ContrastiveInputs logScale(Tensor logScale) {
    return with(LOG_SCALE, logScale);
  }

  /**
   * Sets what is added to the scores of a candidate, for example -ln of its sampling probability.
   *
   * @param bias [m] or one element, F32 or F64
   * @return new inputs
   */
  public ContrastiveInputs bias(Tensor bias) {
    return with(BIAS, bias);
  }

  /**
   * Sets the weights of the pairs. They do not change what a mean is divided by.
   *
   * @param rowWeight [n], finite, F32 or F64
   * @return new inputs
   */
  public ContrastiveInputs rowWeight(Tensor rowWeight) {
    return with(ROW_WEIGHT, rowWeight);
  }

  /**
   * Sets the gradient of what follows with respect to the loss; gradients are multiplied by it.
   *
   * @param upstream one element, or [n] with {@link Reduction#NONE}; F32 or F64
   * @return new inputs
   */
  public ContrastiveInputs upstream(Tensor upstream) {
    return with(UPSTREAM, upstream);
  }

  /**
   * Sets the pairs to leave out, as if neither of their rows were there.
   *
   * @param ignore U8 [n]; not 0: left out
   * @return new inputs
   */
  public ContrastiveInputs ignore(Tensor ignore) {
    return with(IGNORE, ignore);
  }

  /**
   * Sets the embeddings whose similarities are the weights of {@link Cwcl}.
   *
   * @param reference [n,r]; often x itself
   * @return new inputs
   */
  public ContrastiveInputs reference(Tensor reference) {
    return with(REFERENCE, reference);
  }

  /**
   * Sets the reference embeddings of the candidates of {@link Cwcl}; without them they are those of
   * the rows, and m must be n.
   *
   * @param referenceY [m,r]
   * @return new inputs
   */
  public ContrastiveInputs referenceY(Tensor referenceY) {
    return with(REFERENCE_Y, referenceY);
  }

  /**
   * Sets explicit weights of {@link Cwcl}, in place of a reference.
   *
   * @param weights [n,m], finite and {@code >= 0}
   * @return new inputs
   */
  public ContrastiveInputs weights(Tensor weights) {
    return with(WEIGHTS, weights);
  }

  /**
   * The queries.
   *
   * @return [n,d]
   */
  public Tensor x() {
    return tensors[X];
  }

  /**
   * The candidates.
   *
   * @return [m,d]
   */
  public Tensor y() {
    return tensors[Y];
  }

  private ContrastiveInputs with(int slot, Tensor tensor) {
    Checks.given(NAMES[slot], tensor);
    Tensor[] copy = tensors.clone();
    copy[slot] = tensor;
    return new ContrastiveInputs(copy);
  }

  private static void matrix(int slot, Tensor tensor) {
    Checks.given(NAMES[slot], tensor);
    Checks.that(tensor.rank() == 2, NAMES[slot], "a matrix", tensor);
  }

  static String name(int slot) {
    return NAMES[slot];
  }

  boolean has(int slot) {
    return tensors[slot] != null;
  }

  Tensor get(int slot) {
    return tensors[slot];
  }

  /** All inputs by slot; not to be changed. */
  Tensor[] tensors() {
    return tensors;
  }
}
