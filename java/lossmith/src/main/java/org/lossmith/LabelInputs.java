package org.lossmith;

/**
 * The tensors that a loss over labels reads. Immutable: every method named after an input returns
 * new inputs with that one set. The tensors and the sets stay the caller's.
 *
 * <p>n rows of x, l labels, both of width d; or the n x l products of the two as given. What is
 * right for a row is either a set of labels ({@link LabelSets}) or a target: see the losses.
 *
 * <pre>{@code
 * LabelInputs inputs = LabelInputs.of(x, labels, positives).bias(bias).candidates(hard);
 * }</pre>
 */
public final class LabelInputs {
  static final int X = 0;
  static final int LABELS = 1;
  static final int POSITIVE_OFFSETS = 2;
  static final int POSITIVE_IDS = 3;
  static final int POSITIVE_VALUES = 4;
  static final int TARGET = 5;
  static final int SOFT_TARGET = 6;
  static final int IGNORED_OFFSETS = 7;
  static final int IGNORED_IDS = 8;
  static final int CANDIDATES = 9;
  static final int K_ROWS = 10;
  static final int LOG_SCALE = 11;
  static final int BIAS = 12;
  static final int CLASS_WEIGHT = 13;
  static final int ROW_WEIGHT = 14;
  static final int UPSTREAM = 15;

  private static final String[] NAMES = {
    "x",
    "labels",
    "positives",
    "positives",
    "positives",
    "target",
    "target",
    "ignored",
    "ignored",
    "candidates",
    "kRows",
    "logScale",
    "bias",
    "classWeight",
    "rowWeight",
    "upstream"
  };

  private final Tensor[] tensors;

  private LabelInputs(Tensor[] tensors) {
    this.tensors = tensors;
  }

  /**
   * Queries, labels, and the labels that are right for each query.
   *
   * @param x [n,d] queries
   * @param labels [l,d] a table of embeddings, or the weights of a linear head; of the same element
   *     type
   * @param positives n sets of labels, on the same device
   * @return inputs
   * @throws IllegalArgumentException if an argument is null, or x or labels is not a matrix
   */
  public static LabelInputs of(Tensor x, Tensor labels, LabelSets positives) {
    return embedded(x, labels).sets(POSITIVE_OFFSETS, positives);
  }

  /**
   * Queries, labels, and the target of each query.
   *
   * @param x [n,d] queries
   * @param labels [l,d] a table of embeddings, or the weights of a linear head; of the same element
   *     type
   * @param target I32 or I64 [n]: one label for each row; or [n,l], finite and {@code >= 0}, of any
   *     floating-point type: a distribution over the labels
   * @return inputs
   * @throws IllegalArgumentException if an argument is null, x or labels is not a matrix, or the
   *     target is neither a vector nor a matrix
   */
  public static LabelInputs of(Tensor x, Tensor labels, Tensor target) {
    return embedded(x, labels).target(target);
  }

  /**
   * Given products in place of queries and labels.
   *
   * @param scores [n,l], what the products of queries and labels would be: they are scaled like
   *     those, and their gradient is called {@code "x"}
   * @param positives n sets of labels, on the same device
   * @return inputs
   * @throws IllegalArgumentException if an argument is null, or the scores are not a matrix
   */
  public static LabelInputs ofScores(Tensor scores, LabelSets positives) {
    return given(scores).sets(POSITIVE_OFFSETS, positives);
  }

  /**
   * Given products in place of queries and labels.
   *
   * @param scores [n,l], what the products of queries and labels would be: they are scaled like
   *     those, and their gradient is called {@code "x"}
   * @param target I32 or I64 [n]: one label for each row; or [n,l], finite and {@code >= 0}, of any
   *     floating-point type: a distribution over the labels
   * @return inputs
   * @throws IllegalArgumentException if an argument is null, the scores are not a matrix, or the
   *     target is neither a vector nor a matrix
   */
  public static LabelInputs ofScores(Tensor scores, Tensor target) {
    return given(scores).target(target);
  }

  private static LabelInputs embedded(Tensor x, Tensor labels) {
    matrix("x", x);
    matrix("labels", labels);
    Tensor[] tensors = new Tensor[NAMES.length];
    tensors[X] = x;
    tensors[LABELS] = labels;
    return new LabelInputs(tensors);
  }

  private static LabelInputs given(Tensor scores) {
    matrix("scores", scores);
    Tensor[] tensors = new Tensor[NAMES.length];
    tensors[X] = scores;
    return new LabelInputs(tensors);
  }

  private LabelInputs target(Tensor target) {
    Checks.given("target", target);
    Checks.that(target.rank() == 1 || target.rank() == 2, "target", "[n] or [n,l]", target);
    return with(target.rank() == 1 ? TARGET : SOFT_TARGET, target);
  }

  /**
   * Sets the labels that a row passes over, as if there were no such labels: neither positives nor
   * negatives.
   *
   * @param ignored n sets of labels; relevances do not matter
   * @return new inputs
   */
  public LabelInputs ignored(LabelSets ignored) {
    return sets(IGNORED_OFFSETS, ignored);
  }

  /**
   * Sets the labels that take part at all, for example the positives of the batch and hard
   * negatives. All ids stay those of the whole table; other labels get gradient 0.
   *
   * @param candidates I64 [c], strictly increasing labels
   * @return new inputs
   */
  public LabelInputs candidates(Tensor candidates) {
    return with(CANDIDATES, candidates);
  }

  /**
   * Sets how many labels {@link SoftTopK} selects in each row, where its own k is 0.
   *
   * @param kRows I32 or I64 [n], each above 0 and below the number of the row's labels
   * @return new inputs
   */
  public LabelInputs kRows(Tensor kRows) {
    return with(K_ROWS, kRows);
  }

  /**
   * Sets the learnable ln of the scale, which replaces the temperature of the loss.
   *
   * @param logScale one element, F32 or F64
   * @return new inputs
   */
  public LabelInputs logScale(Tensor logScale) {
    return with(LOG_SCALE, logScale);
  }

  /**
   * Sets what is added to the scores of a label.
   *
   * @param bias [l] or one element, F32 or F64
   * @return new inputs
   */
  public LabelInputs bias(Tensor bias) {
    return with(BIAS, bias);
  }

  /**
   * Sets how much a label counts as a target of {@link SoftmaxCrossEntropy}; a mean is divided by
   * the weights of the targets.
   *
   * @param classWeight [l], finite and {@code >= 0}, F32 or F64
   * @return new inputs
   */
  public LabelInputs classWeight(Tensor classWeight) {
    return with(CLASS_WEIGHT, classWeight);
  }

  /**
   * Sets the weights of the rows. They do not change what a mean is divided by.
   *
   * @param rowWeight [n], finite, F32 or F64
   * @return new inputs
   */
  public LabelInputs rowWeight(Tensor rowWeight) {
    return with(ROW_WEIGHT, rowWeight);
  }

  /**
   * Sets the gradient of what follows with respect to the loss; gradients are multiplied by it.
   *
   * @param upstream one element, or [n] with {@link Reduction#NONE}; F32 or F64
   * @return new inputs
   */
  public LabelInputs upstream(Tensor upstream) {
    return with(UPSTREAM, upstream);
  }

  /**
   * The queries, or the given products.
   *
   * @return [n,d] or [n,l]
   */
  public Tensor x() {
    return tensors[X];
  }

  private LabelInputs sets(int offsets, LabelSets sets) {
    Checks.given(NAMES[offsets], sets);
    Tensor[] copy = tensors.clone();
    copy[offsets] = sets.offsets();
    copy[offsets + 1] = sets.ids();
    if (offsets == POSITIVE_OFFSETS) {
      copy[POSITIVE_VALUES] = sets.valuesOrNull();
    }
    return new LabelInputs(copy);
  }

  private LabelInputs with(int slot, Tensor tensor) {
    Checks.given(NAMES[slot], tensor);
    Tensor[] copy = tensors.clone();
    copy[slot] = tensor;
    return new LabelInputs(copy);
  }

  private static void matrix(String name, Tensor tensor) {
    Checks.given(name, tensor);
    Checks.that(tensor.rank() == 2, name, "a matrix", tensor);
  }

  boolean has(int slot) {
    return tensors[slot] != null;
  }

  Tensor get(int slot) {
    return tensors[slot];
  }

  /** Whether x holds products instead of queries. */
  boolean areScores() {
    return tensors[LABELS] == null;
  }

  /** The number of labels. */
  long labelCount() {
    return areScores() ? tensors[X].size(1) : tensors[LABELS].size(0);
  }

  /** All inputs by slot; not to be changed. */
  Tensor[] tensors() {
    return tensors;
  }
}
