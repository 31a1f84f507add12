package org.lossmith.bench.contrastive;

import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.ScalarTypeOptional;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorOptions;
import org.bytedeco.pytorch.global.torch;
import org.lossmith.bench.provider.ElementType;
import org.lossmith.bench.provider.TorchProvider;

/**
 * The losses as a JVM user writes them today: composed from PyTorch operators, differentiated by
 * autograd. bf16 follows autocast: products in bf16, softmax and what follows in f32.
 */
@SuppressWarnings("try") // A PointerScope works by being open; nothing refers to it.
public final class PyTorchProvider extends TorchProvider {
  /** How the losses are put together from operators. */
  public enum Composition {
    /**
     * As OpenCLIP writes it: one logits matrix per direction, x y^T and y x^T, a cross entropy on
     * each (12 n^2 d operations). CWCL: one logits matrix, dense weights, log_softmax.
     */
    USUAL,
    /** InfoNCE from one logits matrix and its transpose (6 n^2 d): the leanest composition. */
    ONE_PRODUCT
  }

  private final LossKind kind;
  private final Composition composition;
  private final Problem problem;
  private final Tensor x;
  private final Tensor y;
  private final Tensor labels;

  /** Copies the problem into leaves that require gradients. */
  PyTorchProvider(LossKind kind, Composition composition, Problem problem, int threads) {
    super(threads);
    this.kind = kind;
    this.composition = composition;
    this.problem = problem;
    try (PointerScope scope = new PointerScope()) {
      x = leaf(problem.x());
      y = leaf(problem.y());
      labels = keep(torch.arange(new Scalar(problem.n()), options(torch.ScalarType.Long)));
    }
  }

  @Override
  protected void compute() {
    differentiate(kind == LossKind.INFONCE ? infoNce() : cwcl(), x, y);
  }

  private Tensor infoNce() {
    Tensor rows = logits(x, y);
    Tensor columns = composition == Composition.USUAL ? logits(y, x) : rows.t();
    return torch
        .cross_entropy_loss(rows, labels)
        .add(torch.cross_entropy_loss(columns, labels))
        .mul(new Scalar(0.5));
  }

  private Tensor cwcl() {
    Tensor reference = x.detach();
    Tensor weights =
        widen(torch.matmul(reference, reference.t())).mul(new Scalar(0.5)).add(new Scalar(0.5));
    Tensor target = weights.div(weights.sum(new long[] {1}, true, new ScalarTypeOptional()));
    Tensor scores = logits(x, y);
    Tensor weighted =
        target.mul(torch.log_softmax(scores, 1)).sum().mul(new Scalar(-1.0 / problem.n()));
    return weighted.add(torch.cross_entropy_loss(scores.t(), labels));
  }

  private Tensor logits(Tensor a, Tensor b) {
    return widen(torch.matmul(a, b.t())).mul(new Scalar(1 / problem.temperature()));
  }

  private Tensor widen(Tensor tensor) {
    return problem.type() == ElementType.F32 ? tensor : tensor.to(torch.ScalarType.Float);
  }

  private Tensor leaf(float[] values) {
    Tensor floats = Tensor.create(values, problem.n(), problem.d());
    Tensor copy = problem.type() == ElementType.F32 ? floats : floats.to(torch.ScalarType.BFloat16);
    Tensor leaf = copy.detach().clone();
    leaf.set_requires_grad(true);
    return keep(leaf);
  }

  private static TensorOptions options(torch.ScalarType type) {
    return new TensorOptions(type);
  }

  @Override
  public void close() {
    super.close();
    x.releaseReference();
    y.releaseReference();
    labels.releaseReference();
  }
}
