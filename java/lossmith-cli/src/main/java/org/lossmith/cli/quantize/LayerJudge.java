package org.lossmith.cli.quantize;

import org.lossmith.Context;
import org.lossmith.PowerQuantizer;
import org.lossmith.PowerRange;
import org.lossmith.Tensor;

/** Errors of grids over a weight: sums of squares in double precision, of the very values. */
final class LayerJudge {
  private final Context context;
  private final PowerQuantizer quantizer;

  /**
   * Creates a judge.
   *
   * @param quantizer the bits and the groups of the grids
   */
  LayerJudge(Context context, PowerQuantizer quantizer) {
    this.context = context;
    this.quantizer = quantizer;
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

  /** The same on a uniform grid around zero. */
  double symmetric(Tensor matrix) {
    PowerQuantizer signed = quantizer.withRange(PowerRange.SIGNED);
    try (CodedWeight codes =
        CodedWeight.of(context, signed, matrix, signed.parameters(context, matrix, 1))) {
      return noise(matrix, codes);
    }
  }

  /** The same on a uniform grid from the smallest value of each group to its largest. */
  double asymmetric(Tensor matrix) {
    PowerQuantizer unsigned = quantizer.withRange(PowerRange.UNSIGNED);
    try (CodedWeight codes =
        CodedWeight.of(context, unsigned, matrix, unsigned.shiftedParameters(context, matrix, 1))) {
      return noise(matrix, codes);
    }
  }

  /** A ratio of sums of squares in dB. */
  static double decibels(double signal, double noise) {
    return 10 * Math.log10(signal / noise);
  }
}
