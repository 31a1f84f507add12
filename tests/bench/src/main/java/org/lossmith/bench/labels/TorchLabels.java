package org.lossmith.bench.labels;

import java.nio.FloatBuffer;
import java.util.function.Consumer;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.ScalarTypeOptional;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorOptions;
import org.bytedeco.pytorch.global.torch;
import org.lossmith.bench.provider.TorchProvider;

/**
 * The losses composed from PyTorch operators over the whole matrix of scores.
 *
 * <ul>
 *   <li>softmax CE: product and {@code cross_entropy}, differentiated by autograd
 *   <li>decoupled softmax: positives are read, then overwritten in place, so that the log-sum-exp
 *       that follows sees the negatives alone; autograd
 *   <li>soft top-k: {@value #STEPS} bisection steps for the thresholds, each one sum of sigmoids,
 *       then the gradient of the operator by its formula, as a function with a backward of its own
 *       does it
 * </ul>
 */
@SuppressWarnings("try") // A PointerScope works by being open; nothing refers to it.
final class TorchLabels extends TorchProvider {
  private static final int STEPS = 32;

  private final LabelKind kind;
  private final LabelProblem problem;
  private final Tensor x;
  private final Tensor labels;
  private final Tensor target;
  private final Tensor row; // of every positive
  private final Tensor entry; // of every positive, in the matrix of scores row by row
  private final Tensor weight; // of every positive: 1 / (rows positives)

  /** Writes the problem into leaves that require gradients. */
  TorchLabels(LabelKind kind, LabelProblem problem, int threads) {
    super(threads);
    this.kind = kind;
    this.problem = problem;
    int count = problem.ids().length;
    long[] rows = new long[count];
    long[] entries = new long[count];
    float[] weights = new float[count];
    for (int i = 0; i < problem.rows(); i++) {
      long begin = problem.offsets()[i];
      long end = problem.offsets()[i + 1];
      for (int p = (int) begin; p < end; p++) {
        rows[p] = i;
        entries[p] = (long) i * problem.labels() + problem.ids()[p];
        weights[p] = 1f / (problem.rows() * (end - begin));
      }
    }
    try (PointerScope scope = new PointerScope()) {
      x = leaf(problem.rows(), problem::writeQueries);
      labels = leaf(problem.labels(), problem::writeLabels);
      target = keep(Tensor.create(problem.targets(), problem.rows()));
      row = keep(Tensor.create(rows, count));
      entry = keep(Tensor.create(entries, count));
      weight = keep(Tensor.create(weights, count));
    }
  }

  private Tensor leaf(int rows, Consumer<FloatBuffer> values) {
    long[] shape = {rows, problem.width()};
    Tensor leaf = torch.zeros(shape, new TensorOptions(torch.ScalarType.Float));
    values.accept(leaf.data_ptr_float().capacity((long) rows * problem.width()).asBuffer());
    leaf.set_requires_grad(kind != LabelKind.SOFT_TOP_K);
    return keep(leaf);
  }

  @Override
  protected void compute() {
    Tensor scores = torch.matmul(x, labels.t());
    switch (kind) {
      case SOFTMAX_CE -> differentiate(crossEntropy(scores), x, labels);
      case DECOUPLED_SOFTMAX -> differentiate(decoupled(scores), x, labels);
      default -> softTopK(scores);
    }
  }

  private Tensor crossEntropy(Tensor products) {
    return torch.cross_entropy_loss(products.mul_(scale()), target);
  }

  private Tensor decoupled(Tensor products) {
    Tensor scores = products.mul_(scale());
    Tensor flat = scores.view(-1);
    Tensor positive = flat.index_select(0, entry);
    flat.index_fill_(0, entry, new Scalar(Double.NEGATIVE_INFINITY));
    Tensor negatives = scores.logsumexp(1);
    return torch.softplus(negatives.index_select(0, row).sub(positive)).mul(weight).sum();
  }

  /** z = alpha (s + t), y = sigm(z), sum y = k; G = g - (sum g) y(1-y) / sum y(1-y). */
  private void softTopK(Tensor products) {
    Scalar alpha = new Scalar(LabelKind.ALPHA);
    Tensor scores = products.mul_(new Scalar(LabelKind.ALPHA / LabelKind.TEMPERATURE));
    long[] row1 = {1};
    double edge = Math.log(LabelKind.K / (double) (problem.labels() - LabelKind.K));
    Tensor low = scores.amax(row1, true).neg_().add_(new Scalar(edge));
    Tensor high = scores.amin(row1, true).neg_().add_(new Scalar(edge));
    Scalar k = new Scalar(LabelKind.K);
    for (int step = 0; step < STEPS; step++) {
      try (PointerScope scope = new PointerScope()) {
        Tensor middle = low.add(high).mul_(new Scalar(0.5));
        Tensor sum = scores.add(middle).sigmoid_().sum(row1, true, new ScalarTypeOptional());
        Tensor below = sum.lt(k);
        low.copy_(torch.where(below, middle, low));
        high.copy_(torch.where(below, high, middle));
      }
    }
    Tensor z = scores.add_(low.add(high).mul_(new Scalar(0.5)));
    Tensor positive = z.view(-1).index_select(0, entry);
    Tensor value = torch.softplus(positive.neg()).mul(weight).sum();
    Tensor slope = positive.neg().sigmoid_().mul_(weight).mul_(alpha).neg_();
    Tensor pull = torch.zeros_like(low).view(-1).index_add_(0, row, slope).unsqueeze(1);
    Tensor y = z.sigmoid_();
    Tensor share = torch.sub(y, y.square());
    share.mul_(pull.div(share.sum(row1, true, new ScalarTypeOptional())).neg_());
    share.view(-1).index_add_(0, entry, slope);
    share.mul_(scale());
    finish(value, torch.matmul(share, labels), torch.matmul(share.t(), x));
  }

  private static Scalar scale() {
    return new Scalar(1 / LabelKind.TEMPERATURE);
  }

  @Override
  public void close() {
    super.close();
    for (Tensor tensor : new Tensor[] {x, labels, target, row, entry, weight}) {
      tensor.releaseReference();
    }
  }
}
