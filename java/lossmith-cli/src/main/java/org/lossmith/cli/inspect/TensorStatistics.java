package org.lossmith.cli.inspect;

import org.lossmith.DType;
import org.lossmith.Tensor;
import org.lossmith.cli.files.TensorBytes;

/**
 * Elements of a tensor in a few numbers.
 *
 * @param minimum the least finite one; null if there is none
 * @param maximum the largest finite one
 * @param mean their mean
 * @param notFinite how many are NaN or infinite
 */
record TensorStatistics(Double minimum, Double maximum, Double mean, long notFinite) {
  private static final int BLOCK = 1 << 20;

  /** Looks at all elements of a floating-point tensor. */
  static TensorStatistics of(Tensor tensor) {
    double least = Double.POSITIVE_INFINITY;
    double largest = Double.NEGATIVE_INFINITY;
    double sum = 0;
    long finite = 0;
    try (Tensor flat = TensorBytes.flat(tensor)) {
      for (long from = 0; from < flat.elements(); from += BLOCK) {
        try (Tensor block = flat.rows(from, Math.min(flat.elements(), from + BLOCK))) {
          double[] values =
              block.dtype() == DType.F64 ? block.toDoubleArray() : widened(block.toFloatArray());
          for (double value : values) {
            if (Double.isFinite(value)) {
              least = Math.min(least, value);
              largest = Math.max(largest, value);
              sum += value;
              finite++;
            }
          }
        }
      }
    }
    return finite == 0
        ? new TensorStatistics(null, null, null, tensor.elements())
        : new TensorStatistics(least, largest, sum / finite, tensor.elements() - finite);
  }

  private static double[] widened(float[] values) {
    double[] wide = new double[values.length];
    for (int i = 0; i < wide.length; i++) {
      wide[i] = values[i];
    }
    return wide;
  }
}
