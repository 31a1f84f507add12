package org.lossmith.cli.quantize;

import com.fasterxml.jackson.annotation.JsonIgnore;

/**
 * What became of a weight.
 *
 * @param name its name in the model
 * @param operator what multiplies with it
 * @param dtype the type that it had
 * @param shape the extents that it has
 * @param bits of a code
 * @param exponent the exponent; with several of them their median
 * @param lowestExponent the smallest exponent
 * @param highestExponent the largest exponent
 * @param lowestScale the smallest scale
 * @param highestScale the largest scale
 * @param sqnr signal to quantization noise in dB: 10 log10 of the sum of squares over that of the
 *     errors
 * @param uniformSymmetric the same on a uniform grid around zero, of the same bits and groups
 * @param uniformAsymmetric the same on a uniform grid from the smallest to the largest value
 * @param bytesBefore what the weight took
 * @param bytesAfter what codes and parameters take
 * @param milliseconds reading, searching, coding and judging
 * @param calibration what calibration did, or null
 * @param plot what the page draws, or null
 */
record LayerReport(
    String name,
    String operator,
    String dtype,
    long[] shape,
    int bits,
    double exponent,
    double lowestExponent,
    double highestExponent,
    double lowestScale,
    double highestScale,
    double sqnr,
    double uniformSymmetric,
    double uniformAsymmetric,
    long bytesBefore,
    long bytesAfter,
    double milliseconds,
    Calibrated calibration,
    @JsonIgnore LayerPlot plot) {

  /**
   * The squared errors of a layer's outputs, relative to the squares of the outputs.
   *
   * @param before on the inputs that were learned from, by the weights alone
   * @param after the same of what was learned
   * @param heldOutBefore on other inputs, by the weights alone; NaN without such
   * @param heldOutAfter the same of what was learned
   * @param rows inputs that were learned from
   * @param iterations steps that were taken
   * @param kept whether the result is used: if it is worse on other inputs it is not
   */
  record Calibrated(
      double before,
      double after,
      double heldOutBefore,
      double heldOutAfter,
      long rows,
      int iterations,
      boolean kept) {}
}
