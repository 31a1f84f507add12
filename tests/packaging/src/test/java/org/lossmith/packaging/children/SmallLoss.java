package org.lossmith.packaging.children;

import org.lossmith.Context;
import org.lossmith.InfoNce;
import org.lossmith.LossResult;
import org.lossmith.Tensor;

/** The least that proves a working library: one loss on four rows, printed. */
public final class SmallLoss {
  private SmallLoss() {}

  /**
   * Prints {@code loss VALUE}.
   *
   * @param arguments none
   */
  public static void main(String[] arguments) {
    float[] rows = {1, 0, 0, 1, 1, -1, 2, 0.5f};
    try (Context context = Context.cpu();
        Tensor x = Tensor.of(rows, 4, 2);
        Tensor y = Tensor.of(rows, 4, 2);
        LossResult result = InfoNce.of(0.5).evaluate(context, x, y)) {
      System.out.println("loss " + result.loss());
    }
  }
}
