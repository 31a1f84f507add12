package org.lossmith.bench.contrastive;

import java.util.Arrays;
import org.lossmith.Context;
import org.lossmith.ContrastiveInputs;
import org.lossmith.ContrastiveLoss;
import org.lossmith.ContrastivePlan;
import org.lossmith.Cwcl;
import org.lossmith.InfoNce;
import org.lossmith.LossResult;
import org.lossmith.Tensor;
import org.lossmith.bench.provider.Provider;

/** The losses by Lossmith's fused kernels, with a context and results of their own. */
public final class LossmithProvider implements Provider {
  private final Context context;
  private final Tensor x;
  private final Tensor y;
  private final ContrastiveInputs inputs;
  private final ContrastiveLoss loss;
  private final LossResult result;

  /** Copies the problem into tensors and allocates the results. */
  LossmithProvider(ProviderSpec spec, Problem problem, int threads) {
    context = Context.builder().threads(threads).budget(spec.budget()).build();
    x = Tensor.of(problem.type().dtype(), problem.x(), problem.n(), problem.d());
    y = Tensor.of(problem.type().dtype(), problem.y(), problem.n(), problem.d());
    ContrastiveInputs pair = ContrastiveInputs.of(x, y);
    if (spec.loss() == LossKind.INFONCE) {
      loss = InfoNce.symmetric(problem.temperature()).withPlan(spec.plan());
      inputs = pair;
    } else {
      loss = Cwcl.of(problem.temperature()).withPlan(spec.plan());
      inputs = pair.reference(x);
    }
    result = loss.result(inputs, "x", "y");
    poison(result.gradient("x"));
    poison(result.gradient("y"));
  }

  /**
   * Fills a result with NaN: an element that a call forgets is then seen, and the memory is
   * resident before anything is measured.
   */
  private static void poison(Tensor tensor) {
    float[] values = new float[Math.toIntExact(tensor.elements())];
    Arrays.fill(values, Float.NaN);
    tensor.copyFrom(values);
  }

  @Override
  public void run() {
    loss.evaluate(context, inputs, result);
  }

  /** What a call will do. */
  public ContrastivePlan plan() {
    return loss.plan(context, inputs, "x", "y");
  }

  /** Workspace that the context holds: its peak so far. */
  public long workspaceBytes() {
    return context.workspaceBytes();
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
    return result.gradient("y").toFloatArray();
  }

  @Override
  public void close() {
    result.close();
    x.close();
    y.close();
    context.close();
  }
}
