package org.lossmith;

import java.util.List;
import java.util.Optional;
import java.util.function.Function;
import org.lossmith.internal.LossmithNative;
import org.lossmith.internal.base.Status;

/**
 * What the shards of a contrastive loss must tell each other: the log-sum-exp of the scores of each
 * row and of each column, and for {@link Cwcl} the sum of the weights of each row. A shard first
 * knows its part of them ({@link ContrastiveLoss#statistics}); merged over the shards that hold the
 * same rows, or the same columns, they are those of the whole batch.
 *
 * <p>The tensors belong to this object: closing it closes them.
 */
public final class ShardStatistics implements AutoCloseable {
  static final int ROW_LSE = 0;
  static final int COLUMN_LSE = 1;
  static final int WEIGHT_SUM = 2;
  private static final int COUNT = 3;

  private final Tensor[] tensors;

  private ShardStatistics(Tensor[] tensors) {
    this.tensors = tensors;
  }

  /** Room for the statistics of a shard. */
  static ShardStatistics of(ContrastiveLoss loss, ContrastiveInputs inputs) {
    Device device = inputs.x().device();
    ShardStatistics statistics = new ShardStatistics(new Tensor[COUNT]);
    return statistics.fill(
        () -> {
          Tensor[] made = statistics.tensors;
          made[ROW_LSE] = Tensor.zeros(device, DType.F64, inputs.x().size(0));
          if (loss.columnCoefficient() != 0) {
            made[COLUMN_LSE] = Tensor.zeros(device, DType.F64, inputs.y().size(0));
          }
          if (loss instanceof Cwcl) {
            made[WEIGHT_SUM] = Tensor.zeros(device, DType.F64, inputs.x().size(0));
          }
        });
  }

  /**
   * Statistics that came from elsewhere, for example over a network. InfoNCE has no sums of
   * weights: an empty array stands for none, as it does for column statistics of a loss without
   * column direction.
   *
   * @param rowLse one value for each row of the shard
   * @param columnLse one value for each column of the shard
   * @param weightSum one value for each row of the shard
   * @return new statistics on the CPU, to be closed by the caller
   */
  public static ShardStatistics of(double[] rowLse, double[] columnLse, double[] weightSum) {
    Checks.given("rowLse", rowLse);
    Checks.given("columnLse", columnLse);
    Checks.given("weightSum", weightSum);
    ShardStatistics statistics = new ShardStatistics(new Tensor[COUNT]);
    return statistics.fill(
        () -> {
          Tensor[] made = statistics.tensors;
          made[ROW_LSE] = Tensor.of(rowLse);
          made[COLUMN_LSE] = columnLse.length == 0 ? null : Tensor.of(columnLse);
          made[WEIGHT_SUM] = weightSum.length == 0 ? null : Tensor.of(weightSum);
        });
  }

  /**
   * The statistics of the whole batch for one shard.
   *
   * @param context where to compute
   * @param sameRows those of all shards that hold the same rows, the shard itself among them
   * @param sameColumns those of all shards that hold the same columns, the shard itself among them
   * @return new statistics on the device of the context, to be closed by the caller
   * @throws IllegalArgumentException if a list is empty, or its members differ in size or kind
   */
  public static ShardStatistics merge(
      Context context, List<ShardStatistics> sameRows, List<ShardStatistics> sameColumns) {
    Checks.given("context", context);
    notEmpty("sameRows", sameRows);
    notEmpty("sameColumns", sameColumns);
    ShardStatistics merged = new ShardStatistics(new Tensor[COUNT]);
    return merged.fill(
        () -> {
          Tensor[] made = merged.tensors;
          made[ROW_LSE] = logSumExp(context, gather("sameRows", sameRows, ROW_LSE));
          made[COLUMN_LSE] = logSumExp(context, gather("sameColumns", sameColumns, COLUMN_LSE));
          made[WEIGHT_SUM] = sum(context.device(), gather("sameRows", sameRows, WEIGHT_SUM));
        });
  }

  /**
   * A copy on a device.
   *
   * @param device the device
   * @return new statistics, to be closed by the caller, also if these are already there
   */
  public ShardStatistics to(Device device) {
    Checks.given("device", device);
    ShardStatistics copy = new ShardStatistics(new Tensor[COUNT]);
    return copy.fill(
        () -> {
          for (int slot = 0; slot < COUNT; slot++) {
            copy.tensors[slot] = tensors[slot] == null ? null : tensors[slot].to(device);
          }
        });
  }

  /**
   * The log-sum-exp of the scores of each row.
   *
   * @return F64, one value for each row of the shard; belongs to these statistics
   */
  public Tensor rowLse() {
    return tensors[ROW_LSE];
  }

  /**
   * The log-sum-exp of the scores of each column.
   *
   * @return F64, one value for each column of the shard; belongs to these statistics; empty for a
   *     loss without column direction
   */
  public Optional<Tensor> columnLse() {
    return Optional.ofNullable(tensors[COLUMN_LSE]);
  }

  /**
   * The sum of the weights of each row.
   *
   * @return F64, one value for each row of the shard; belongs to these statistics; empty except for
   *     {@link Cwcl}
   */
  public Optional<Tensor> weightSum() {
    return Optional.ofNullable(tensors[WEIGHT_SUM]);
  }

  /** Closes all tensors of these statistics. Idempotent. */
  @Override
  public void close() {
    for (Tensor tensor : tensors) {
      if (tensor != null) {
        tensor.close();
      }
    }
  }

  /** All statistics by slot; not to be changed. */
  Tensor[] tensors() {
    return tensors;
  }

  private ShardStatistics fill(Runnable task) {
    try {
      task.run();
      return this;
    } catch (RuntimeException | Error e) {
      close();
      throw e;
    }
  }

  private static void notEmpty(String name, List<ShardStatistics> parts) {
    Checks.given(name, parts);
    Checks.that(!parts.isEmpty(), name, "at least the shard's own", "an empty list");
  }

  /** One kind of statistics of all parts, [parts, n]; empty if they have none. */
  private static double[][] gather(String name, List<ShardStatistics> parts, int slot) {
    Function<ShardStatistics, double[]> values =
        part -> part.tensors[slot] == null ? new double[0] : part.tensors[slot].toDoubleArray();
    double[][] all = parts.stream().map(values).toArray(double[][]::new);
    for (double[] part : all) {
      Checks.that(
          part.length == all[0].length, name, all[0].length + " values of each part", part.length);
    }
    return all;
  }

  private static Tensor logSumExp(Context context, double[][] parts) {
    int width = parts[0].length;
    if (width == 0) {
      return null;
    }
    double[] flat = new double[parts.length * width];
    for (int i = 0; i < parts.length; i++) {
      System.arraycopy(parts[i], 0, flat, i * width, width);
    }
    try (Tensor all = tensor(context.device(), flat, parts.length, width)) {
      return Transfers.filled(
          Tensor.zeros(context.device(), DType.F64, width),
          merged -> {
            long ctx = context.begin();
            try {
              Status.check(
                  LossmithNative.lsm_merge_logsumexp(
                      ctx, all.nativeTensor(), merged.nativeTensor()));
            } finally {
              context.end();
            }
          });
    }
  }

  private static Tensor tensor(Device device, double[] values, long... shape) {
    return Transfers.filled(Tensor.zeros(device, DType.F64, shape), t -> t.copyFrom(values));
  }

  private static Tensor sum(Device device, double[][] parts) {
    double[] sum = new double[parts[0].length];
    for (double[] part : parts) {
      for (int i = 0; i < sum.length; i++) {
        sum[i] += part[i];
      }
    }
    return sum.length == 0 ? null : tensor(device, sum, sum.length);
  }
}
