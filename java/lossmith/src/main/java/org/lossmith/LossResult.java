package org.lossmith;

import java.nio.DoubleBuffer;
import java.util.Collections;
import java.util.LinkedHashSet;
import java.util.Set;

/**
 * The loss and the gradients of one call, in memory that later calls can overwrite. Its tensors
 * belong to it: closing the result closes them.
 */
public final class LossResult implements AutoCloseable {
  static final int LOSS = 0;
  static final int ROW_LOSS = 1;
  static final int GRAD_X = 2;
  static final int GRAD_Y = 3;
  static final int GRAD_LOG_SCALE = 4;
  static final int GRAD_BIAS = 5;

  /** The names of the slots; those from {@link #ROW_LOSS} on can be wanted. */
  private static final String[] NAMES = {"loss", "row_loss", "x", "y", "log_scale", "bias"};

  private final Tensor[] tensors;
  private final Set<String> gradients;

  /** Memory of the loss, for reading it without allocation; null if it is not on the CPU. */
  private final DoubleBuffer lossMemory;

  /** The context that has computed this result last; its queued work must end before it is read. */
  private volatile Context evaluator;

  private LossResult(Tensor[] tensors, Set<String> gradients) {
    this.tensors = tensors;
    this.gradients = Collections.unmodifiableSet(gradients);
    Tensor loss = tensors[LOSS];
    boolean readable = loss != null && loss.device().type() == Device.Type.CPU;
    lossMemory = readable ? loss.asByteBuffer().asDoubleBuffer() : null;
  }

  static LossResult of(Reduction reduction, ContrastiveInputs inputs, String... wanted) {
    Checks.given("inputs", inputs);
    return of(reduction, inputs, inputs.x().size(0), false, wanted);
  }

  /** Row losses are those of the whole batch; gradients are addends, never narrower than F32. */
  static LossResult ofShard(
      Reduction reduction, Shard shard, ContrastiveInputs inputs, String... wanted) {
    return of(reduction, inputs, shard.rows(), true, wanted);
  }

  private static LossResult of(
      Reduction reduction, ContrastiveInputs inputs, long rows, boolean addends, String[] wanted) {
    boolean[] slots = slots(reduction, inputs, wanted);
    Tensor[] tensors = new Tensor[NAMES.length];
    Set<String> gradients = new LinkedHashSet<>();
    try {
      for (int slot = 0; slot < NAMES.length; slot++) {
        if (slots[slot]) {
          tensors[slot] = allocate(slot, inputs, rows, addends);
          if (slot >= GRAD_X) {
            gradients.add(NAMES[slot]);
          }
        }
      }
      return new LossResult(tensors, gradients);
    } catch (RuntimeException | Error e) {
      closeAll(tensors);
      throw e;
    }
  }

  private static boolean[] slots(Reduction reduction, ContrastiveInputs inputs, String[] wanted) {
    boolean[] slots = new boolean[NAMES.length];
    slots[LOSS] = reduction != Reduction.NONE;
    slots[ROW_LOSS] = reduction == Reduction.NONE;
    for (String name : Checks.given("wanted", wanted)) {
      slots[slot(name)] = true;
    }
    boolean biasWanted = slots[GRAD_BIAS];
    Checks.that(
        !biasWanted || inputs.has(ContrastiveInputs.BIAS),
        "bias",
        "an input for its gradient",
        "none");
    return slots;
  }

  private static int slot(String name) {
    for (int slot = ROW_LOSS; slot < NAMES.length; slot++) {
      if (NAMES[slot].equals(name)) {
        return slot;
      }
    }
    throw new IllegalArgumentException(
        "wanted: expected \"x\", \"y\", \"log_scale\", \"bias\" or \"row_loss\", got \""
            + name
            + "\"");
  }

  private static Tensor allocate(int slot, ContrastiveInputs inputs, long rows, boolean addends) {
    Tensor x = inputs.x();
    return switch (slot) {
      case LOSS -> Tensor.zeros(x.device(), DType.F64, 1);
      case ROW_LOSS -> Tensor.zeros(x.device(), DType.F64, rows);
      case GRAD_X -> like(x, addends);
      case GRAD_Y -> like(inputs.y(), addends);
      case GRAD_BIAS -> like(inputs.get(ContrastiveInputs.BIAS), false);
      default ->
          inputs.has(ContrastiveInputs.LOG_SCALE)
              ? like(inputs.get(ContrastiveInputs.LOG_SCALE), false)
              : Tensor.zeros(x.device(), DType.F64, 1);
    };
  }

  private static Tensor like(Tensor tensor, boolean widened) {
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
   * A gradient.
   *
   * @param name {@code "x"}, {@code "y"}, {@code "log_scale"} or {@code "bias"}
   * @return the gradient of that input, of its shape; belongs to this result
   * @throws IllegalArgumentException if it was not wanted
   */
  public Tensor gradient(String name) {
    Checks.that(gradients.contains(name), "gradient", "one of " + gradients, name);
    return tensors[slot(name)];
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
