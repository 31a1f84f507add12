package org.lossmith.cli.quantize;

import java.util.Arrays;
import org.lossmith.Context;
import org.lossmith.DType;
import org.lossmith.PowerQuantizer;
import org.lossmith.PowerRange;
import org.lossmith.PowerSearch;
import org.lossmith.Tensor;

/** Errors of grids over a weight: sums of squares in double precision. */
final class LayerJudge {
  private final Context context;
  private final PowerQuantizer signed;

  /**
   * Creates a judge.
   *
   * @param quantizer the bits and the groups of the grids
   */
  LayerJudge(Context context, PowerQuantizer quantizer) {
    this.context = context;
    signed = quantizer.withRange(PowerRange.SIGNED);
  }

  /** The sum of squares of a weight. */
  static double signal(Tensor matrix) {
    double[] total =
        FloatBlocks.sum(
            (from, values) -> {
              double sum = 0;
              for (float value : values[0]) {
                sum += (double) value * value;
              }
              return new double[] {sum};
            },
            matrix);
    return total[0];
  }

  /** The sum of squares of what a weight differs from its codes' values. */
  double noise(Tensor matrix, CodedWeight codes) {
    try (Tensor values = codes.values(context)) {
      double[] total =
          FloatBlocks.sum(
              (from, both) -> {
                double sum = 0;
                for (int i = 0; i < both[0].length; i++) {
                  double error = (double) both[0][i] - both[1][i];
                  sum += error * error;
                }
                return new double[] {sum};
              },
              matrix,
              values);
      return total[0];
    }
  }

  /** The same for exponents on a symmetric grid with the scales of the data. */
  double[] symmetric(Tensor matrix, double... exponents) {
    try (Tensor scale = signed.scales(context, matrix)) {
      double[] all = PowerSearch.of(signed).errors(context, matrix, scale, exponents);
      double[] sums = new double[exponents.length];
      for (int i = 0; i < all.length; i++) {
        sums[i % sums.length] += all[i];
      }
      return sums;
    }
  }

  /** The same for a uniform grid from the smallest value of each group to its largest. */
  double asymmetric(Tensor matrix) {
    PowerQuantizer unsigned = signed.withRange(PowerRange.UNSIGNED);
    long[] shape = unsigned.groups().shape(matrix.shape());
    try (Tensor scale = Tensor.zeros(DType.F32, shape);
        Tensor shift = Tensor.zeros(DType.F32, shape);
        Tensor one = Tensor.of(new float[] {1}, 1);
        Tensor errors = Tensor.zeros(DType.F64, scale.elements(), 1, 1)) {
      unsigned.scales(context, matrix, scale, shift);
      PowerSearch.of(unsigned).errors(context, matrix, scale, shift, one, null, errors);
      return Arrays.stream(errors.toDoubleArray()).sum();
    }
  }

  /** A ratio of sums of squares in dB. */
  static double decibels(double signal, double noise) {
    return 10 * Math.log10(signal / noise);
  }
}
