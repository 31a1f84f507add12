package org.lossmith.cli.quantize;

import java.util.stream.IntStream;
import org.lossmith.Tensor;
import org.lossmith.cli.files.TensorBytes;

/**
 * Sums over the elements of F32 tensors: blocks side by side, in an order that is always the same.
 */
final class FloatBlocks {
  private static final int BLOCK = 1 << 18;

  private FloatBlocks() {}

  /** What to add up over a block. */
  @FunctionalInterface
  interface Sum {
    /**
     * Looks at the elements of a block.
     *
     * @param from the index of the first one
     * @param values the elements of each tensor
     * @return as many sums as there shall be
     */
    double[] of(long from, float[][] values);
  }

  /**
   * Adds up.
   *
   * @param tensors contiguous, with the same number of elements
   * @return the totals, or no numbers if there are no elements
   */
  static double[] sum(Sum sum, Tensor... tensors) {
    long elements = tensors[0].elements();
    int blocks = Math.toIntExact((elements + BLOCK - 1) / BLOCK);
    double[][] parts = new double[blocks][];
    IntStream.range(0, blocks)
        .parallel()
        .forEach(
            block -> {
              long from = (long) block * BLOCK;
              long to = Math.min(elements, from + BLOCK);
              float[][] values = new float[tensors.length][];
              for (int i = 0; i < values.length; i++) {
                try (Tensor flat = TensorBytes.flat(tensors[i]);
                    Tensor rows = flat.rows(from, to)) {
                  values[i] = rows.toFloatArray();
                }
              }
              parts[block] = sum.of(from, values);
            });
    double[] totals = blocks == 0 ? new double[0] : parts[0];
    for (int block = 1; block < blocks; block++) {
      for (int i = 0; i < totals.length; i++) {
        totals[i] += parts[block][i];
      }
    }
    return totals;
  }
}
