package org.lossmith.quantization;

import java.util.ArrayDeque;
import java.util.Deque;
import org.lossmith.Tensor;

/** What is closed together, the last first. */
final class Owned implements AutoCloseable {
  private final Deque<Runnable> closers = new ArrayDeque<>();

  /** Takes over a tensor; null stays null. */
  Tensor add(Tensor tensor) {
    if (tensor != null) {
      closing(tensor::close);
    }
    return tensor;
  }

  /** Takes over something else. */
  void closing(Runnable close) {
    closers.push(close);
  }

  /** The elements of a tensor in C order as a matrix, taken over as well. */
  Tensor matrix(Tensor tensor, long rows, long columns) {
    return add(
        Tensor.wrap(
            tensor.address(),
            tensor.device(),
            tensor.dtype(),
            tensor,
            new long[] {rows, columns},
            null));
  }

  @Override
  public void close() {
    while (!closers.isEmpty()) {
      closers.pop().run();
    }
  }
}
