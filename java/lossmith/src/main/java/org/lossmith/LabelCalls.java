package org.lossmith;

import java.lang.ref.Reference;
import org.lossmith.internal.LabelOptions;
import org.lossmith.internal.LossmithNative;
import org.lossmith.internal.NativePlan;
import org.lossmith.internal.UpdateOptions;
import org.lossmith.internal.base.Status;

/**
 * Carries the calls of {@link LabelLoss} over to the native library. Nothing here allocates on the
 * Java heap during a warm evaluation.
 */
final class LabelCalls {
  private static final int LOSS_ALONE = 0;
  private static final int ALL_GRADIENTS = 1;
  private static final int STEP = 2;

  private LabelCalls() {}

  static void evaluate(LabelLoss loss, Context context, LabelInputs inputs, LossResult result) {
    Checks.given("context", context);
    check(loss, inputs);
    Checks.given("result", result);
    run(loss, context, inputs, null, null, 0, result);
  }

  static void evaluateAndUpdate(
      LabelLoss loss,
      Context context,
      LabelInputs inputs,
      Update update,
      Tensor state,
      long step,
      LossResult result) {
    Checks.given("context", context);
    check(loss, inputs);
    Checks.given("update", update);
    Checks.given("result", result);
    run(loss, context, inputs, update, state, step, result);
  }

  private static void run(
      LabelLoss loss,
      Context context,
      LabelInputs inputs,
      Update update,
      Tensor state,
      long step,
      LossResult result) {
    long ctx = context.begin();
    try {
      Uses.acquire(inputs.tensors());
      try {
        Uses.acquire(result.tensors());
        try {
          Uses.acquire(state);
          try {
            call(loss, context, ctx, inputs, update, state, step, result);
            result.evaluatedBy(context);
          } finally {
            Uses.release(state);
          }
        } finally {
          Uses.release(result.tensors());
        }
      } finally {
        Uses.release(inputs.tensors());
      }
    } finally {
      context.end();
      Reference.reachabilityFence(inputs);
      Reference.reachabilityFence(state);
      Reference.reachabilityFence(result);
    }
  }

  static ContrastivePlan plan(
      LabelLoss loss, Context context, LabelInputs inputs, String[] wanted) {
    int gradients = LOSS_ALONE;
    for (String name : Checks.given("wanted", wanted)) {
      if (!"row_loss".equals(name) && !"threshold".equals(name)) {
        gradients = ALL_GRADIENTS;
      }
    }
    return plan(loss, context, inputs, gradients);
  }

  static ContrastivePlan updatePlan(LabelLoss loss, Context context, LabelInputs inputs) {
    return plan(loss, context, inputs, STEP);
  }

  private static ContrastivePlan plan(
      LabelLoss loss, Context context, LabelInputs inputs, int gradients) {
    Checks.given("context", context);
    Checks.given("inputs", inputs);
    Tensor x = inputs.x();
    long ctx = context.begin();
    try (NativePlan plan = new NativePlan()) {
      Status.check(
          LossmithNative.lsm_label_describe_plan(
              ctx,
              context.options().of(loss),
              x.dtype().code(),
              x.dtype().bits(),
              x.size(0),
              inputs.labelCount(),
              inputs.areScores() ? 0 : x.size(1),
              gradients,
              plan));
      return new ContrastivePlan(Plan.of(plan.plan()), plan.workspace_bytes(), plan.flops());
    } finally {
      context.end();
    }
  }

  /** Says in the words of this API what the native library would say about its many arguments. */
  private static void check(LabelLoss loss, LabelInputs inputs) {
    Checks.given("inputs", inputs);
    boolean positives = inputs.has(LabelInputs.POSITIVE_OFFSETS);
    if (loss instanceof SoftmaxCrossEntropy || loss instanceof NormalizedSoftmax) {
      Checks.that(!positives, "target", "one label or a distribution for each row", "positives");
    } else {
      Checks.that(positives, "positives", "a set of labels for each row", "a target");
    }
    if (inputs.areScores()) {
      Scoring scoring = loss.scoring();
      Checks.that(!scoring.normalizeX(), "normalizeX", "false for given scores", "true");
      Checks.that(!scoring.normalizeLabels(), "normalizeLabels", "false for given scores", "true");
    }
  }

  /** The call itself; the constraint of the sphere may ask for a projection in this call. */
  private static void call(
      LabelLoss loss,
      Context context,
      long ctx,
      LabelInputs inputs,
      Update update,
      Tensor state,
      long step,
      LossResult result) {
    LabelOptions options = context.options().of(loss);
    if (update == null) {
      Status.check(call(ctx, options, inputs.tensors(), null, null, result.tensors()));
      return;
    }
    UpdateOptions stepping = context.options().of(update, step);
    boolean sphere = loss instanceof NormalizedSoftmax s && s.constraint().projects();
    stepping.project_rows(flag(sphere || update.projectRows()));
    try {
      Status.check(call(ctx, options, inputs.tensors(), stepping, state, result.tensors()));
    } finally {
      stepping.project_rows(flag(update.projectRows())); // The context keeps the options.
    }
  }

  private static int kind(LabelLoss loss) {
    if (loss instanceof DecoupledSoftmax) {
      return LossmithNative.LSM_DECOUPLED_SOFTMAX;
    }
    if (loss instanceof SoftTopK) {
      return LossmithNative.LSM_SOFT_TOP_K;
    }
    if (loss instanceof MultiLabelInfoNce || loss instanceof SupCon) {
      return LossmithNative.LSM_MULTI_LABEL_INFONCE;
    }
    return loss instanceof MultiLabelBce ? LossmithNative.LSM_BCE : LossmithNative.LSM_SOFTMAX_CE;
  }

  /** Writes the hyperparameters of a loss into their native form. */
  static void fill(LabelOptions options, LabelLoss loss) {
    LossmithNative.lsm_label_defaults(kind(loss), options);
    Scoring scoring = loss.scoring();
    options
        .reduction(scoring.reduction().code())
        .temperature(scoring.temperature())
        .max_scale(scoring.maxScale())
        .softcap(scoring.softcap())
        .normalize_x(flag(scoring.normalizeX()))
        .normalize_labels(flag(scoring.normalizeLabels()))
        .plan(scoring.plan().code())
        .filter(scoring.filter());
    if (loss instanceof DecoupledSoftmax decoupled) {
      options.average(flag(decoupled.average()));
      fill(options, decoupled.positives());
    } else if (loss instanceof SoftTopK top) {
      options.alpha(top.alpha()).k(top.k()).plain(flag(top.plain())).average(flag(top.average()));
      fill(options, top.positives());
    } else if (loss instanceof MultiLabelInfoNce infoNce) {
      options.average(0);
      fill(options, infoNce.positives());
    } else if (loss instanceof SupCon supCon) {
      options.average(1);
      fill(options, supCon.positives());
    } else if (loss instanceof MultiLabelBce bce) {
      fill(options, bce.positives());
    } else if (loss instanceof SoftmaxCrossEntropy softmax) {
      options.label_smoothing(softmax.labelSmoothing()).z_weight(softmax.zWeight());
      options.ignore_index(softmax.ignoreIndex());
    } else if (loss instanceof NormalizedSoftmax sphere) {
      options.label_smoothing(sphere.labelSmoothing()).ignore_index(sphere.ignoreIndex());
    }
  }

  private static void fill(LabelOptions options, PositiveSelection positives) {
    options.weighted(flag(positives.weighted())).sample(positives.sample()).seed(positives.seed());
  }

  private static int flag(boolean value) {
    return value ? 1 : 0;
  }

  private static int call(
      long ctx,
      LabelOptions options,
      Tensor[] in,
      UpdateOptions update,
      Tensor state,
      Tensor[] out) {
    return LossmithNative.lsm_label_loss(
        ctx,
        options,
        Uses.address(in[LabelInputs.X]),
        Uses.address(in[LabelInputs.LABELS]),
        Uses.address(in[LabelInputs.POSITIVE_OFFSETS]),
        Uses.address(in[LabelInputs.POSITIVE_IDS]),
        Uses.address(in[LabelInputs.POSITIVE_VALUES]),
        Uses.address(in[LabelInputs.TARGET]),
        Uses.address(in[LabelInputs.SOFT_TARGET]),
        Uses.address(in[LabelInputs.IGNORED_OFFSETS]),
        Uses.address(in[LabelInputs.IGNORED_IDS]),
        Uses.address(in[LabelInputs.CANDIDATES]),
        Uses.address(in[LabelInputs.K_ROWS]),
        Uses.address(in[LabelInputs.LOG_SCALE]),
        Uses.address(in[LabelInputs.BIAS]),
        Uses.address(in[LabelInputs.CLASS_WEIGHT]),
        Uses.address(in[LabelInputs.ROW_WEIGHT]),
        Uses.address(in[LabelInputs.UPSTREAM]),
        Uses.address(out[LossResult.LOSS]),
        Uses.address(out[LossResult.ROW_LOSS]),
        Uses.address(out[LossResult.THRESHOLD]),
        Uses.address(out[LossResult.GRAD_X]),
        Uses.address(out[LossResult.GRAD_LABELS]),
        Uses.address(out[LossResult.GRAD_LOG_SCALE]),
        Uses.address(out[LossResult.GRAD_BIAS]),
        update,
        Uses.address(state),
        update == null ? 0 : Uses.address(in[LabelInputs.LABELS]));
  }
}
