package org.lossmith.bench.labels;

import org.lossmith.Context;
import org.lossmith.Device;
import org.lossmith.LabelInputs;
import org.lossmith.LabelLoss;
import org.lossmith.LabelSets;
import org.lossmith.LossResult;
import org.lossmith.Tensor;
import org.lossmith.Update;
import org.lossmith.bench.provider.Provider;

/**
 * One step of the table of labels: in the same pass as the loss, or by its gradient and a step
 * after it. What a provider calls the gradient of y is the table after the step.
 */
final class LabelStep implements Provider {
  private static final double LEARNING_RATE = 0.01;

  private final Context context;
  private final Tensor x;
  private final Tensor labels;
  private final Tensor state;
  private final LabelSets positives;
  private final Tensor target;
  private final LabelInputs inputs;
  private final LabelLoss loss;
  private final Update update = Update.adagrad(LEARNING_RATE);
  private final boolean fused;
  private final LossResult result;
  private long step;

  LabelStep(LabelKind kind, LabelProblem problem, boolean fused, int threads) {
    this.fused = fused;
    context = Context.builder().threads(threads).build();
    x = LossmithLabels.queries(problem);
    labels = LossmithLabels.table(problem);
    state = update.newState(labels);
    positives = LabelSets.of(Device.cpu(), problem.offsets(), problem.ids());
    target = Tensor.of(problem.targets(), problem.rows());
    loss = LossmithLabels.loss(kind);
    inputs =
        kind == LabelKind.SOFTMAX_CE
            ? LabelInputs.of(x, labels, target)
            : LabelInputs.of(x, labels, positives);
    result = fused ? loss.result(inputs, "x") : loss.result(inputs, "x", "labels");
  }

  @Override
  public void run() {
    step++;
    if (fused) {
      loss.evaluateAndUpdate(context, inputs, update, state, step, result);
      return;
    }
    loss.evaluate(context, inputs, result);
    update.step(context, result.gradient("labels"), labels, state, step);
  }

  @Override
  public double loss() {
    return result.loss();
  }

  @Override
  public float[] gradX() {
    return result.gradient("x").toFloatArray();
  }

  @Override
  public float[] gradY() {
    return labels.toFloatArray();
  }

  @Override
  public void close() {
    result.close();
    positives.close();
    target.close();
    state.close();
    labels.close();
    x.close();
    context.close();
  }
}
