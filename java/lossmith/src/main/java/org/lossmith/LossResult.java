package org.lossmith;

import java.nio.DoubleBuffer;
import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashSet;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * The loss and the gradients of one call, in memory that later calls can overwrite. Its tensors
 * belong to it: closing the result closes them.
 */
public final class LossResult implements AutoCloseable {
  static final int LOSS = 0;
  static final int ROW_LOSS = 1;
  static final int THRESHOLD = 2;
  static final int GRAD_X = 3;
  static final int GRAD_Y = 4;
  static final int GRAD_LABELS = 5;
  static final int GRAD_LOG_SCALE = 6;
  static final int GRAD_BIAS = 7;

  /** The names of the slots; those from {@link #ROW_LOSS} on can be wanted. */
  private static final String[] NAMES = {
    "loss", "row_loss", "threshold", "x", "y", "labels", "log_scale", "bias"
  };

  private static final int[] CONTRASTIVE = {GRAD_X, GRAD_Y, GRAD_LOG_SCALE, GRAD_BIAS, ROW_LOSS};
  private static final int[] LABEL = {
    GRAD_X, GRAD_LABELS, GRAD_LOG_SCALE, GRAD_BIAS, ROW_LOSS, THRESHOLD
  };

  private final Tensor[] tensors;
  private final Set<String> gradients;

  /** Memory of the loss, for reading it without allocation; null if it is not on the CPU. */
  private final DoubleBuffer lossMemory;

  /** The context that has computed this result last; its queued work must end before it is read. */
  private volatile Context evaluator;

  private LossResult(boolean[] slots, Tensor[] models, long rows, boolean addends) {
    tensors = new Tensor[NAMES.length];
    Set<String> names = new LinkedHashSet<>();
    try {
      for (int slot = 0; slot < NAMES.length; slot++) {
        if (slots[slot]) {
          tensors[slot] = allocate(slot, models, rows, addends);
          if (slot >= GRAD_X) {
            names.add(NAMES[slot]);
          }
        }
      }
    } catch (RuntimeException | Error e) {
      closeAll(tensors);
      throw e;
    }
    gradients = Collections.unmodifiableSet(names);
    Tensor loss = tensors[LOSS];
    boolean readable = loss != null && loss.device().type() == Device.Type.CPU;
    lossMemory = readable ? loss.asByteBuffer().asDoubleBuffer() : null;
  }

  static LossResult of(Reduction reduction, ContrastiveInputs inputs, String... wanted) {
    Checks.given("inputs", inputs);
    boolean[] slots = slots(reduction, CONTRASTIVE, wanted);
    return new LossResult(slots, models(inputs), inputs.x().size(0), false);
  }

  /** Row losses are those of the whole batch; gradients are addends, never narrower than F32. */
  static LossResult ofShard(
      Reduction reduction, Shard shard, ContrastiveInputs inputs, String... wanted) {
    Checks.given("inputs", inputs);
    boolean[] slots = slots(reduction, CONTRASTIVE, wanted);
    return new LossResult(slots, models(inputs), shard.rows(), true);
  }

  static LossResult of(LabelLoss loss, LabelInputs inputs, String... wanted) {
    Checks.given("inputs", inputs);
    boolean[] slots = slots(loss.scoring().reduction(), LABEL, wanted);
    Checks.that(
        !slots[THRESHOLD] || loss instanceof SoftTopK, "threshold", "a loss that has one", loss);
    Tensor[] models = new Tensor[NAMES.length];
    models[GRAD_X] = inputs.x();
    models[GRAD_LABELS] = inputs.get(LabelInputs.LABELS);
    models[GRAD_LOG_SCALE] = inputs.get(LabelInputs.LOG_SCALE);
    models[GRAD_BIAS] = inputs.get(LabelInputs.BIAS);
    return new LossResult(slots, models, inputs.x().size(0), false);
  }

  /** What the gradients are the gradients of, by slot. */
  private static Tensor[] models(ContrastiveInputs inputs) {
    Tensor[] models = new Tensor[NAMES.length];
    models[GRAD_X] = inputs.x();
    models[GRAD_Y] = inputs.y();
    models[GRAD_LOG_SCALE] = inputs.get(ContrastiveInputs.LOG_SCALE);
    models[GRAD_BIAS] = inputs.get(ContrastiveInputs.BIAS);
    return models;
  }

  private static boolean[] slots(Reduction reduction, int[] known, String[] wanted) {
    boolean[] slots = new boolean[NAMES.length];
    slots[LOSS] = reduction != Reduction.NONE;
    slots[ROW_LOSS] = reduction == Reduction.NONE;
    for (String name : Checks.given("wanted", wanted)) {
      slots[slot(known, name)] = true;
    }
    return slots;
  }

  private static int slot(int[] known, String name) {
    for (int slot : known) {
      if (NAMES[slot].equals(name)) {
        return slot;
      }
    }
    String names =
        Arrays.stream(known)
            .mapToObj(slot -> "\"" + NAMES[slot] + "\"")
            .collect(Collectors.joining(", "));
    throw new IllegalArgumentException(
        "wanted: expected any of " + names + ", got \"" + name + "\"");
  }

  private static Tensor allocate(int slot, Tensor[] models, long rows, boolean addends) {
    Device device = models[GRAD_X].device();
    return switch (slot) {
      case LOSS -> Tensor.zeros(device, DType.F64, 1);
      case ROW_LOSS, THRESHOLD -> Tensor.zeros(device, DType.F64, rows);
      case GRAD_X, GRAD_Y, GRAD_LABELS -> like(slot, models, addends);
      case GRAD_BIAS -> like(slot, models, false);
      default ->
          models[slot] == null ? Tensor.zeros(device, DType.F64, 1) : like(slot, models, false);
    };
  }

  private static Tensor like(int slot, Tensor[] models, boolean widened) {
    Tensor tensor = models[slot];
    Checks.that(tensor != null, NAMES[slot], "an input for its gradient", "none");
    boolean narrow = tensor.dtype().bytes() < DType.F32.bytes();
    DType dtype = widened && narrow ? DType.F32 : tensor.dtype();
    return Tensor.zeros(tensor.device(), dtype, tensor.shape());
  }

  /**
   * The loss, after the work queued on the context that computes it is done.
   *
   * @return its value
   * @throws UnsupportedOperationException with {@link Reduction#NONE}, which has row losses only
   * @throws IllegalStateException if this result is closed
   */
  public double loss() {
    Tensor loss = lossTensor();
    if (lossMemory == null) {
      return queuedLoss(loss);
    }
    loss.acquire();
    try {
      return lossMemory.get(0);
    } finally {
      loss.release();
    }
  }

  private double queuedLoss(Tensor loss) {
    Context context = evaluator;
    if (context != null) {
      try {
        return context.item(loss);
      } catch (IllegalStateException e) {
        if (!context.isClosed() || loss.isClosed()) {
          throw e;
        }
      }
    }
    return loss.item();
  }

  /** Says which context computes this result from now on. */
  void evaluatedBy(Context context) {
    evaluator = context;
  }

  /**
   * The loss where it was computed.
   *
   * @return F64, one element; belongs to this result
   * @throws UnsupportedOperationException with {@link Reduction#NONE}, which has row losses only
   */
  public Tensor lossTensor() {
    if (tensors[LOSS] == null) {
      throw new UnsupportedOperationException(
          "loss: expected a reduction to MEAN or SUM, got NONE: use rowLoss()");
    }
    return tensors[LOSS];
  }

  /**
   * The losses of the rows.
   *
   * @return F64 [n]; belongs to this result
   * @throws IllegalArgumentException if {@code "row_loss"} was not wanted
   */
  public Tensor rowLoss() {
    Checks.that(tensors[ROW_LOSS] != null, "rowLoss", "\"row_loss\" among the wanted", gradients);
    return tensors[ROW_LOSS];
  }

  /**
   * The thresholds t_i of {@link SoftTopK}; 0 for a row without positives.
   *
   * @return F64 [n]; belongs to this result
   * @throws IllegalArgumentException if {@code "threshold"} was not wanted
   */
  public Tensor threshold() {
    Checks.that(
        tensors[THRESHOLD] != null, "threshold", "\"threshold\" among the wanted", gradients);
    return tensors[THRESHOLD];
  }

  /**
   * A gradient.
   *
   * @param name {@code "x"}, {@code "y"} (of {@link ContrastiveInputs}), {@code "labels"} (of
   *     {@link LabelInputs}), {@code "log_scale"} or {@code "bias"}
   * @return the gradient of that input, of its shape; belongs to this result
   * @throws IllegalArgumentException if it was not wanted
   */
  public Tensor gradient(String name) {
    Checks.that(gradients.contains(name), "gradient", "one of " + gradients, name);
    return tensors[Arrays.asList(NAMES).indexOf(name)];
  }

  /**
   * The names of the gradients that this result has.
   *
   * @return names, not modifiable
   */
  public Set<String> gradients() {
    return gradients;
  }

  /** Closes all tensors of this result. Idempotent. */
  @Override
  public void close() {
    closeAll(tensors);
  }

  /** All outputs by slot; not to be changed. */
  Tensor[] tensors() {
    return tensors;
  }

  private static void closeAll(Tensor[] tensors) {
    for (Tensor tensor : tensors) {
      if (tensor != null) {
        tensor.close();
      }
    }
  }
}
