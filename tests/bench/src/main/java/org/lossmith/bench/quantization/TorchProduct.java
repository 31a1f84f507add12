package org.lossmith.bench.quantization;

import java.nio.FloatBuffer;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.openblas.global.openblas;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorOptions;
import org.bytedeco.pytorch.global.torch;

/** PyTorch's product x W^T of f32 matrices: what there is without packed codes. */
@SuppressWarnings("try") // A PointerScope works by being open; nothing refers to it.
final class TorchProduct implements AutoCloseable {
  private final Tensor x;
  private final Tensor w;
  private Tensor product;

  /** Copies of x [m,k] and of the weights [n,k]. */
  TorchProduct(org.lossmith.Tensor x, org.lossmith.Tensor w, int threads) {
    torch.set_num_threads(threads);
    openblas.blas_set_num_threads(threads);
    try (PointerScope scope = new PointerScope()) {
      this.x = copy(x);
      this.w = copy(w);
    }
    run();
  }

  private static Tensor copy(org.lossmith.Tensor from) {
    Tensor tensor =
        torch.zeros(
            new long[] {from.size(0), from.size(1)}, new TensorOptions(torch.ScalarType.Float));
    float[] values = from.toFloatArray();
    FloatBuffer buffer = tensor.data_ptr_float().capacity(values.length).asBuffer();
    buffer.put(values);
    tensor.retainReference();
    return tensor;
  }

  /** Does it once. */
  void run() {
    try (PointerScope scope = new PointerScope()) {
      Tensor found = torch.mm(x, w.t());
      found.retainReference();
      if (product != null) {
        product.releaseReference();
      }
      product = found;
    }
  }

  /** The last product. */
  float[] product() {
    float[] read = new float[Math.toIntExact(product.numel())];
    try (PointerScope scope = new PointerScope()) {
      product.data_ptr_float().get(read);
    }
    return read;
  }

  @Override
  public void close() {
    product.releaseReference();
    w.releaseReference();
    x.releaseReference();
  }
}
