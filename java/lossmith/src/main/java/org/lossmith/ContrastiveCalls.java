package org.lossmith;

import java.lang.ref.Reference;
import org.lossmith.internal.ContrastiveOptions;
import org.lossmith.internal.LossmithNative;
import org.lossmith.internal.NativePlan;
import org.lossmith.internal.base.Status;

/**
 * Carries the calls of {@link ContrastiveLoss} over to the native library. Nothing here allocates
 * on the Java heap during a warm evaluation.
 */
final class ContrastiveCalls {
  private ContrastiveCalls() {}

  static void evaluate(
      ContrastiveLoss loss, Context context, ContrastiveInputs inputs, LossResult result) {
    Checks.given("context", context);
    Checks.given("inputs", inputs);
    Checks.given("result", result);
    checkWeights(loss, inputs);
    long ctx = context.begin();
    try {
      Uses.acquire(inputs.tensors());
      try {
        Uses.acquire(result.tensors());
        try {
          Status.check(
              call(ctx, context.options().of(loss), loss, inputs.tensors(), result.tensors()));
          result.evaluatedBy(context);
        } finally {
          Uses.release(result.tensors());
        }
      } finally {
        Uses.release(inputs.tensors());
      }
    } finally {
      context.end();
      Reference.reachabilityFence(inputs);
      Reference.reachabilityFence(result);
    }
  }

  static ContrastivePlan plan(
      ContrastiveLoss loss, Context context, ContrastiveInputs inputs, String[] wanted) {
    Checks.given("context", context);
    Checks.given("inputs", inputs);
    Checks.given("wanted", wanted);
    Tensor x = inputs.x();
    boolean gradients = false;
    for (String name : wanted) {
      gradients |= !"row_loss".equals(name);
    }
    boolean referenced = inputs.has(ContrastiveInputs.REFERENCE);
    long width = referenced ? inputs.get(ContrastiveInputs.REFERENCE).size(1) : 0;
    long ctx = context.begin();
    try (NativePlan plan = new NativePlan()) {
      Status.check(
          LossmithNative.lsm_contrastive_describe_plan(
              ctx,
              context.options().of(loss),
              x.dtype().code(),
              x.dtype().bits(),
              x.size(0),
              inputs.y().size(0),
              x.size(1),
              width,
              gradients ? 1 : 0,
              plan));
      return new ContrastivePlan(Plan.of(plan.plan()), plan.workspace_bytes(), plan.flops());
    } finally {
      context.end();
    }
  }

  /** Writes the hyperparameters of a loss into their native form. */
  static void fill(ContrastiveOptions options, ContrastiveLoss loss) {
    boolean reference = loss instanceof Cwcl cwcl && cwcl.normalizeReference();
    options
        .temperature(loss.temperature())
        .max_scale(loss.maxScale())
        .row_coefficient(loss.rowCoefficient())
        .column_coefficient(loss.columnCoefficient())
        .label_smoothing(loss.labelSmoothing())
        .reduction(loss.reduction().code())
        .normalize(loss.normalize() ? 1 : 0)
        .normalize_reference(reference ? 1 : 0)
        .plan(loss.plan().code());
  }

  /** InfoNCE has no weights: inputs that would be passed over in silence are errors. */
  static void checkWeights(ContrastiveLoss loss, ContrastiveInputs inputs) {
    if (loss instanceof InfoNce) {
      for (int slot = ContrastiveInputs.REFERENCE; slot <= ContrastiveInputs.WEIGHTS; slot++) {
        Checks.that(
            !inputs.has(slot), ContrastiveInputs.name(slot), "none for InfoNce", inputs.get(slot));
      }
    }
  }

  private static int call(
      long ctx, ContrastiveOptions options, ContrastiveLoss loss, Tensor[] in, Tensor[] out) {
    long x = Uses.address(in[ContrastiveInputs.X]);
    long y = Uses.address(in[ContrastiveInputs.Y]);
    long logScale = Uses.address(in[ContrastiveInputs.LOG_SCALE]);
    long bias = Uses.address(in[ContrastiveInputs.BIAS]);
    long rowWeight = Uses.address(in[ContrastiveInputs.ROW_WEIGHT]);
    long upstream = Uses.address(in[ContrastiveInputs.UPSTREAM]);
    long ignore = Uses.address(in[ContrastiveInputs.IGNORE]);
    long value = Uses.address(out[LossResult.LOSS]);
    long rowLoss = Uses.address(out[LossResult.ROW_LOSS]);
    long gradX = Uses.address(out[LossResult.GRAD_X]);
    long gradY = Uses.address(out[LossResult.GRAD_Y]);
    long gradLogScale = Uses.address(out[LossResult.GRAD_LOG_SCALE]);
    long gradBias = Uses.address(out[LossResult.GRAD_BIAS]);
    if (loss instanceof InfoNce) {
      return LossmithNative.lsm_infonce(
          ctx,
          options,
          x,
          y,
          logScale,
          bias,
          rowWeight,
          upstream,
          ignore,
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
    return LossmithNative.lsm_cwcl(
        ctx,
        options,
        x,
        y,
        reference,
        referenceY,
        weights,
        logScale,
        bias,
        rowWeight,
        upstream,
        ignore,
        value,
        rowLoss,
        gradX,
        gradY,
        gradLogScale,
        gradBias);
  }
}
