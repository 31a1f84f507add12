package org.lossmith.cli.quantize;

import java.util.Arrays;
import org.lossmith.Context;
import org.lossmith.PowerQuantizer;
import org.lossmith.PowerRange;
import org.lossmith.PowerSearch;
import org.lossmith.Tensor;
import org.lossmith.quantization.NetworkExponent;

/** Gathers what the page draws of a weight. */
final class LayerPlots {
  private static final int BINS = 120;
  private static final double LOWEST = 0.2;
  private static final double HIGHEST = 1.4;
  private static final int STEPS = 49;

  private LayerPlots() {}

  /**
   * Looks at a weight.
   *
   * @param exponent that of the chosen grid
   * @param signal the sum of squares
   */
  static LayerPlot of(
      Context context, Tensor matrix, CodedWeight codes, double exponent, double signal) {
    NetworkExponent curve =
        NetworkExponent.of(
            PowerSearch.of(codes.quantizer().withRange(PowerRange.SIGNED))
                .withExponents(LOWEST, HIGHEST)
                .withGrid(STEPS, 0));
    curve.add(context, matrix);
    curve.refine();
    double[] errors = curve.errors();
    Arrays.setAll(errors, i -> errors[i] / signal);
    PowerQuantizer quantizer = codes.quantizer();
    boolean signed = quantizer.range() == PowerRange.SIGNED;
    double[] uniform = levels((1 << quantizer.bits() - 1) - 1, 1);
    return new LayerPlot(
        histogram(matrix, codes),
        signed ? levels(quantizer.largest(), exponent) : evenly(quantizer.largest()),
        uniform,
        curve.exponents(),
        errors);
  }

  private static double[] levels(int largest, double exponent) {
    double[] levels = new double[2 * largest + 1];
    Arrays.setAll(
        levels,
        i -> {
          int code = i - largest;
          return Math.signum(code) * Math.pow(Math.abs(code) / (double) largest, 1 / exponent);
        });
    return levels;
  }

  /** The levels of an asymmetric grid whose weights reach as far on both sides. */
  private static double[] evenly(int largest) {
    double[] levels = new double[largest + 1];
    Arrays.setAll(levels, i -> 2.0 * i / largest - 1);
    return levels;
  }

  /** Shares of the weights, each divided by the largest magnitude of its group. */
  private static double[] histogram(Tensor matrix, CodedWeight codes) {
    long columns = matrix.size(1);
    float[] scale = magnitudes(codes);
    long group = codes.quantizer().groups().columns();
    long groups = group == 0 ? 1 : (columns + group - 1) / group;
    double[] counts =
        FloatBlocks.sum(
            (from, values) -> {
              double[] bins = new double[BINS];
              for (int i = 0; i < values[0].length; i++) {
                long row = (from + i) / columns;
                long column = (from + i) % columns;
                int at =
                    scale.length == 1
                        ? 0
                        : (int) (row * groups + (group == 0 ? 0 : column / group));
                if (scale[at] > 0) {
                  double v = (values[0][i] / scale[at] + 1) / 2 * BINS;
                  bins[(int) Math.max(0, Math.min(BINS - 1, v))]++;
                }
              }
              return bins;
            },
            matrix);
    Arrays.setAll(counts, i -> counts[i] / matrix.elements());
    return counts;
  }

  private static float[] magnitudes(CodedWeight codes) {
    float[] scale = codes.parameters().scale().toFloatArray();
    if (codes.parameters().shift() != null) {
      float[] shift = codes.parameters().shift().toFloatArray();
      for (int i = 0; i < scale.length; i++) {
        scale[i] = Math.max(Math.abs(shift[i]), Math.abs(shift[i] + scale[i]));
      }
    }
    return scale;
  }
}
