package org.lossmith;

import java.lang.ref.Reference;
import org.lossmith.internal.ContrastiveOptions;
import org.lossmith.internal.LossmithNative;
import org.lossmith.internal.NativeShard;
import org.lossmith.internal.base.Status;

/** Carries the two halves of a sharded contrastive loss over to the native library. */
final class ShardedCalls {
  private static final Tensor[] NO_STATISTICS = new Tensor[0];

  private ShardedCalls() {}

  private interface Call {
    int run(long context, ContrastiveOptions options, NativeShard shard);
  }

  static ShardStatistics statistics(
      ContrastiveLoss loss, Context context, Shard shard, ContrastiveInputs inputs) {
    check(loss, context, shard, inputs);
    ShardStatistics statistics = ShardStatistics.of(loss, inputs);
    try {
      Tensor[] in = inputs.tensors();
      Tensor[] out = statistics.tensors();
      run(loss, context, shard, in, out, NO_STATISTICS, (c, o, s) -> first(loss, c, o, s, in, out));
      return statistics;
    } catch (RuntimeException | Error e) {
      statistics.close();
      throw e;
    }
  }

  static LossResult gradients(
      ContrastiveLoss loss,
      Context context,
      Shard shard,
      ContrastiveInputs inputs,
      ShardStatistics merged,
      String[] wanted) {
    check(loss, context, shard, inputs);
    Checks.given("merged", merged);
    LossResult result = LossResult.ofShard(loss.reduction(), shard, inputs, wanted);
    try {
      Tensor[] in = inputs.tensors();
      Tensor[] out = result.tensors();
      Tensor[] statistics = merged.tensors();
      run(
          loss,
          context,
          shard,
          in,
          out,
          statistics,
          (c, o, s) -> second(loss, c, o, s, in, statistics, out));
      result.evaluatedBy(context);
      return result;
    } catch (RuntimeException | Error e) {
      result.close();
      throw e;
    } finally {
      Reference.reachabilityFence(merged);
    }
  }

  private static void check(
      ContrastiveLoss loss, Context context, Shard shard, ContrastiveInputs inputs) {
    Checks.given("context", context);
    Checks.given("shard", shard);
    Checks.given("inputs", inputs);
    ContrastiveCalls.checkWeights(loss, inputs);
    Checks.that(
        !inputs.has(ContrastiveInputs.IGNORE),
        "ignore",
        "none for a shard: leave the pairs out of all shards",
        inputs.get(ContrastiveInputs.IGNORE));
  }

  private static void run(
      ContrastiveLoss loss,
      Context context,
      Shard shard,
      Tensor[] inputs,
      Tensor[] outputs,
      Tensor[] statistics,
      Call call) {
    long ctx = context.begin();
    try (NativeShard block = new NativeShard()) {
      block.row_offset(shard.rowOffset()).column_offset(shard.columnOffset());
      block.rows(shard.rows()).columns(shard.columns());
      Uses.acquire(inputs);
      try {
        Uses.acquire(statistics);
        try {
          Uses.acquire(outputs);
          try {
            Status.check(call.run(ctx, context.options().of(loss), block));
          } finally {
            Uses.release(outputs);
          }
        } finally {
          Uses.release(statistics);
        }
      } finally {
        Uses.release(inputs);
      }
    } finally {
      context.end();
    }
  }

  private static int first(
      ContrastiveLoss loss,
      long ctx,
      ContrastiveOptions options,
      NativeShard shard,
      Tensor[] in,
      Tensor[] out) {
    long x = Uses.address(in[ContrastiveInputs.X]);
    long y = Uses.address(in[ContrastiveInputs.Y]);
    long logScale = Uses.address(in[ContrastiveInputs.LOG_SCALE]);
    long bias = Uses.address(in[ContrastiveInputs.BIAS]);
    long rowLse = Uses.address(out[ShardStatistics.ROW_LSE]);
    long columnLse = Uses.address(out[ShardStatistics.COLUMN_LSE]);
    if (loss instanceof InfoNce) {
      return LossmithNative.lsm_infonce_statistics(
          ctx, options, shard, x, y, logScale, bias, rowLse, columnLse);
    }
    return LossmithNative.lsm_cwcl_statistics(
        ctx,
        options,
        shard,
        x,
        y,
        Uses.address(in[ContrastiveInputs.REFERENCE]),
        Uses.address(in[ContrastiveInputs.REFERENCE_Y]),
        Uses.address(in[ContrastiveInputs.WEIGHTS]),
        logScale,
        bias,
        rowLse,
        columnLse,
        Uses.address(out[ShardStatistics.WEIGHT_SUM]));
  }

  private static int second(
      ContrastiveLoss loss,
      long ctx,
      ContrastiveOptions options,
      NativeShard shard,
      Tensor[] in,
      Tensor[] merged,
      Tensor[] out) {
    long x = Uses.address(in[ContrastiveInputs.X]);
    long y = Uses.address(in[ContrastiveInputs.Y]);
    long logScale = Uses.address(in[ContrastiveInputs.LOG_SCALE]);
    long bias = Uses.address(in[ContrastiveInputs.BIAS]);
    long rowWeight = Uses.address(in[ContrastiveInputs.ROW_WEIGHT]);
    long upstream = Uses.address(in[ContrastiveInputs.UPSTREAM]);
    long rowLse = Uses.address(merged[ShardStatistics.ROW_LSE]);
    long columnLse = Uses.address(merged[ShardStatistics.COLUMN_LSE]);
    long value = Uses.address(out[LossResult.LOSS]);
    long rowLoss = Uses.address(out[LossResult.ROW_LOSS]);
    long gradX = Uses.address(out[LossResult.GRAD_X]);
    long gradY = Uses.address(out[LossResult.GRAD_Y]);
    long gradLogScale = Uses.address(out[LossResult.GRAD_LOG_SCALE]);
    long gradBias = Uses.address(out[LossResult.GRAD_BIAS]);
    if (loss instanceof InfoNce) {
      return LossmithNative.lsm_infonce_gradients(
          ctx,
          options,
          shard,
          x,
          y,
          logScale,
          bias,
          rowWeight,
          upstream,
          rowLse,
          columnLse,
          value,
          rowLoss,
          gradX,
          gradY,
          gradLogScale,
          gradBias);
    }
    long reference = Uses.address(in[ContrastiveInputs.REFERENCE]);
    long referenceY = Uses.address(in[ContrastiveInputs.REFERENCE_Y]);
    long weights = Uses.address(in[ContrastiveInputs.WEIGHTS]);
    long weightSum = Uses.address(merged[ShardStatistics.WEIGHT_SUM]);
    return LossmithNative.lsm_cwcl_gradients(
        ctx,
        options,
        shard,
        x,
        y,
        reference,
        referenceY,
        weights,
        logScale,
        bias,
        rowWeight,
        upstream,
        rowLse,
        columnLse,
        weightSum,
        value,
        rowLoss,
        gradX,
        gradY,
        gradLogScale,
        gradBias);
  }
}
