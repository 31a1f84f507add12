package org.lossmith.bench.quantization;

import java.nio.FloatBuffer;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.openblas.global.openblas;
import org.bytedeco.pytorch.BoolOptional;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorOptions;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;

/**
 * The operator composed from PyTorch's, with broadcast scales: codes by {@code pow} and {@code
 * round}, values by {@code pow}, gradients by autograd, straight through the rounding. Codes are
 * not packed: one byte each.
 */
@SuppressWarnings("try") // A PointerScope works by being open; nothing refers to it.
final class TorchPower implements AutoCloseable {
  private final Scalar largest;
  private final Tensor w;
  private final Tensor upstream;
  private final Tensor scale; // [1] or [rows,1]
  private final Tensor exponent; // [1]
  private Tensor codes;
  private Tensor values;
  private Tensor[] gradients = {};

  /** Copies of the problem of {@code ours}. */
  TorchPower(LossmithPower ours, int threads) {
    torch.set_num_threads(threads);
    openblas.blas_set_num_threads(threads);
    largest = new Scalar((double) ours.quantizer().largest());
    long rows = ours.weights().size(0);
    long columns = ours.weights().size(1);
    try (PointerScope scope = new PointerScope()) {
      w = copy(ours.weights().toFloatArray(), rows, columns);
      upstream = copy(ours.upstream().toFloatArray(), rows, columns);
      float[] scales = ours.scale().toFloatArray();
      scale = copy(scales, scales.length, 1);
      exponent = copy(new float[] {(float) LossmithPower.EXPONENT}, 1, 1);
    }
    run(OperatorTask.ENCODE);
  }

  private static Tensor copy(float[] values, long rows, long columns) {
    Tensor tensor =
        torch.zeros(new long[] {rows, columns}, new TensorOptions(torch.ScalarType.Float));
    FloatBuffer buffer = tensor.data_ptr_float().capacity(values.length).asBuffer();
    buffer.put(values);
    return keep(tensor);
  }

  private static Tensor keep(Tensor tensor) {
    tensor.retainReference();
    return tensor;
  }

  /** Does it once. */
  void run(OperatorTask task) {
    try (PointerScope scope = new PointerScope()) {
      switch (task) {
        case ENCODE -> {
          Tensor found = keep(quantized(exponent).to(torch.ScalarType.Char));
          release(codes);
          codes = found;
        }
        case DECODE -> keepValues(decoded(codes.to(torch.ScalarType.Float), exponent));
        case FORWARD -> keepValues(decoded(quantized(exponent), exponent));
        default -> differentiate();
      }
    }
  }

  private Tensor quantized(Tensor exponent) {
    Tensor share = w.abs().div_(scale).clamp_max_(new Scalar(1.0));
    return share.pow(exponent).mul_(largest).round_().mul_(w.sign());
  }

  private Tensor decoded(Tensor quantized, Tensor exponent) {
    Tensor level = quantized.abs().div_(largest).pow(exponent.reciprocal());
    return level.mul_(scale).mul_(quantized.sign());
  }

  /** The squared errors of exponents, one after the other, summed over all elements. */
  double[] errors(double... exponents) {
    double[] errors = new double[exponents.length];
    for (int i = 0; i < errors.length; i++) {
      try (PointerScope scope = new PointerScope()) {
        Tensor a = torch.full(new long[] {1, 1}, new Scalar(exponents[i]));
        Tensor error = w.sub(decoded(quantized(a), a)).square_().sum();
        errors[i] = error.item_float();
      }
    }
    return errors;
  }

  private void differentiate() {
    Tensor x = w.detach().requires_grad_(true);
    Tensor s = scale.detach().requires_grad_(true);
    Tensor a = exponent.detach().requires_grad_(true);
    Tensor u = x.abs().div(s).clamp_max(new Scalar(1.0)).pow(a).mul(largest);
    Tensor q = u.add(u.round().sub(u).detach());
    Tensor out = q.div(largest).pow(a.reciprocal()).mul(s).mul(x.sign());
    TensorVector found =
        torch.grad(
            new TensorVector(out),
            new TensorVector(x, s, a),
            new TensorVector(upstream),
            new BoolOptional(false),
            false,
            false);
    for (Tensor gradient : gradients) {
      release(gradient);
    }
    gradients = new Tensor[3];
    for (int i = 0; i < gradients.length; i++) {
      gradients[i] = keep(new Tensor(found.get(i)));
    }
    keepValues(out.detach());
  }

  private void keepValues(Tensor found) {
    keep(found);
    release(values);
    values = found;
  }

  private static void release(Tensor tensor) {
    if (tensor != null) {
      tensor.releaseReference();
    }
  }

  float[] values() {
    return read(values);
  }

  /** Of weights (0), scale (1) and exponent (2). */
  float[] gradient(int index) {
    return read(gradients[index]);
  }

  private static float[] read(Tensor tensor) {
    float[] read = new float[Math.toIntExact(tensor.numel())];
    try (PointerScope scope = new PointerScope()) {
      tensor.contiguous().data_ptr_float().get(read);
    }
    return read;
  }

  @Override
  public void close() {
    for (Tensor tensor : new Tensor[] {w, upstream, scale, exponent, codes, values}) {
      release(tensor);
    }
    for (Tensor gradient : gradients) {
      release(gradient);
    }
  }
}
