package org.lossmith.bench.provider;

import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.openblas.global.openblas;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;

/** What the compositions of PyTorch operators share: threads, leaves, results. */
@SuppressWarnings("try") // A PointerScope works by being open; nothing refers to it.
public abstract class TorchProvider implements Provider {
  private static final Pattern VERSION = Pattern.compile("TORCH_VERSION=([^,\\s]+)");

  private double loss;
  private Tensor gradX;
  private Tensor gradY;

  /** Sets the threads of PyTorch and of the BLAS under it for the whole process. */
  protected TorchProvider(int threads) {
    torch.set_num_threads(threads);
    openblas.blas_set_num_threads(threads);
  }

  /** Version of PyTorch. */
  public static String version() {
    try (BytePointer text = torch.show_config()) {
      Matcher matcher = VERSION.matcher(text.getString());
      return matcher.find() ? matcher.group(1) : "unknown";
    }
  }

  /** Computes once and hands over what it got, by {@link #differentiate} or {@link #finish}. */
  protected abstract void compute();

  @Override
  public void run() {
    releaseGradients();
    try (PointerScope scope = new PointerScope()) {
      compute();
    }
  }

  /** The results from a loss, by autograd. */
  protected void differentiate(Tensor value, Tensor x, Tensor y) {
    TensorVector gradients = torch.grad(new TensorVector(value), new TensorVector(x, y));
    // get() points into the vector, which dies with the scope: copy the (shared) handles.
    finish(value, new Tensor(gradients.get(0)), new Tensor(gradients.get(1)));
  }

  /** The results. */
  protected void finish(Tensor value, Tensor ofX, Tensor ofY) {
    loss = value.item_double();
    gradX = keep(ofX);
    gradY = keep(ofY);
  }

  /** Takes a tensor out of the current scope: it lives until it is released. */
  protected static Tensor keep(Tensor tensor) {
    tensor.retainReference();
    return tensor;
  }

  @Override
  public double loss() {
    return loss;
  }

  @Override
  public float[] gradX() {
    return read(gradX);
  }

  @Override
  public float[] gradY() {
    return read(gradY);
  }

  private static float[] read(Tensor gradient) {
    float[] values = new float[Math.toIntExact(gradient.numel())];
    try (PointerScope scope = new PointerScope()) {
      gradient.to(torch.ScalarType.Float).contiguous().data_ptr_float().get(values);
    }
    return values;
  }

  private void releaseGradients() {
    if (gradX != null) {
      gradX.releaseReference();
      gradY.releaseReference();
      gradX = null;
      gradY = null;
    }
  }

  @Override
  public void close() {
    releaseGradients();
  }
}
