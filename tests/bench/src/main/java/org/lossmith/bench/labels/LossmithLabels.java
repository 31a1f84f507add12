package org.lossmith.bench.labels;

import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import org.lossmith.Context;
import org.lossmith.ContrastivePlan;
import org.lossmith.DType;
import org.lossmith.DecoupledSoftmax;
import org.lossmith.Device;
import org.lossmith.LabelInputs;
import org.lossmith.LabelLoss;
import org.lossmith.LabelSets;
import org.lossmith.LossResult;
import org.lossmith.SoftTopK;
import org.lossmith.SoftmaxCrossEntropy;
import org.lossmith.Tensor;
import org.lossmith.bench.provider.Provider;

/** The losses by Lossmith's fused kernels, with a context and results of their own. */
final class LossmithLabels implements Provider {
  private static final String X = "x";
  private static final String LABELS = "labels";

  private final Context context;
  private final Tensor x;
  private final Tensor labels;
  private final LabelSets positives;
  private final Tensor target;
  private final LabelInputs inputs;
  private final LabelLoss loss;
  private final LossResult result;

  /** Writes the problem into tensors and allocates the results. */
  LossmithLabels(LabelKind kind, LabelProblem problem, int threads) {
    context = Context.builder().threads(threads).build();
    x = queries(problem);
    labels = table(problem);
    positives = LabelSets.of(Device.cpu(), problem.offsets(), problem.ids());
    target = Tensor.of(problem.targets(), problem.rows());
    loss = loss(kind);
    inputs =
        kind == LabelKind.SOFTMAX_CE
            ? LabelInputs.of(x, labels, target)
            : LabelInputs.of(x, labels, positives);
    result = loss.result(inputs, X, LABELS);
    poison(result.gradient(X));
    poison(result.gradient(LABELS));
  }

  /** The record of a loss. */
  static LabelLoss loss(LabelKind kind) {
    double temperature = LabelKind.TEMPERATURE;
    return switch (kind) {
      case SOFTMAX_CE -> SoftmaxCrossEntropy.of(temperature);
      case DECOUPLED_SOFTMAX -> DecoupledSoftmax.of(temperature);
      case SOFT_TOP_K -> SoftTopK.of(temperature).withAlpha(LabelKind.ALPHA).withK(LabelKind.K);
    };
  }

  /** The queries of a problem in a tensor. */
  static Tensor queries(LabelProblem problem) {
    Tensor x = Tensor.zeros(DType.F32, problem.rows(), problem.width());
    problem.writeQueries(floats(x));
    return x;
  }

  /** The labels of a problem in a tensor. */
  static Tensor table(LabelProblem problem) {
    Tensor labels = Tensor.zeros(DType.F32, problem.labels(), problem.width());
    problem.writeLabels(floats(labels));
    return labels;
  }

  private static FloatBuffer floats(Tensor tensor) {
    return tensor.asByteBuffer().order(ByteOrder.nativeOrder()).asFloatBuffer();
  }

  /**
   * Fills a result with NaN: an element that a call forgets is then seen, and the memory is
   * resident before anything is measured.
   */
  private static void poison(Tensor tensor) {
    FloatBuffer values = floats(tensor);
    while (values.hasRemaining()) {
      values.put(Float.NaN);
    }
  }

  @Override
  public void run() {
    loss.evaluate(context, inputs, result);
  }

  /** What a call will do. */
  ContrastivePlan plan() {
    return loss.plan(context, inputs, X, LABELS);
  }

  /** Workspace that the context holds: its peak so far. */
  long workspaceBytes() {
    return context.workspaceBytes();
  }

  @Override
  public double loss() {
    return result.loss();
  }

  @Override
  public float[] gradX() {
    return result.gradient(X).toFloatArray();
  }

  @Override
  public float[] gradY() {
    return result.gradient(LABELS).toFloatArray();
  }

  @Override
  public void close() {
    result.close();
    positives.close();
    target.close();
    labels.close();
    x.close();
    context.close();
  }
}
