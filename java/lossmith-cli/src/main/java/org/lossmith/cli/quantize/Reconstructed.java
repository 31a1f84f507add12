package org.lossmith.cli.quantize;

import org.lossmith.Context;
import org.lossmith.PowerParameters;
import org.lossmith.PowerQuantizer;
import org.lossmith.Tensor;
import org.lossmith.cli.FailureException;
import org.lossmith.quantization.LearningRates;
import org.lossmith.quantization.PowerReconstruction;
import org.lossmith.quantization.Reconstruction;

/**
 * A weight whose codes were learned from inputs of its layer.
 *
 * @param codes the codes; closed by whoever takes them
 * @param report what came of it
 */
record Reconstructed(CodedWeight codes, LayerReport.Calibrated report) {
  /**
   * Learns.
   *
   * @param name of the weight, for messages
   * @param scheme the grid to begin with; its exponents are learned if they were searched for each
   *     weight
   * @return what was learned, or the codes of the start if those do better on inputs that nothing
   *     was learned from
   */
  static Reconstructed of(
      Context context, String name, Scheme scheme, Tensor matrix, LayerMoments moments) {
    PowerQuantizer quantizer = scheme.quantizer();
    LearningRates all = LearningRates.all();
    LearningRates rates =
        scheme.learnsExponents()
            ? all
            : new LearningRates(
                all.codes(), all.scale(), 0, all.lowestExponent(), all.highestExponent());
    PowerParameters start = scheme.parameters(context, matrix);
    try (Reconstruction result =
        PowerReconstruction.of(quantizer)
            .withRates(rates)
            .run(context, matrix, start, moments.learned(), moments.heldOut(), null)) {
      boolean worse = result.heldOutAfter() > result.heldOutBefore();
      double unit = Math.max(moments.outputSquares(), Double.MIN_NORMAL);
      LayerReport.Calibrated report =
          new LayerReport.Calibrated(
              result.calibrationBefore() / unit,
              result.calibrationAfter() / unit,
              result.heldOutBefore() / unit,
              result.heldOutAfter() / unit,
              moments.learned().rows(),
              result.iterations(),
              !worse);
      if (worse) {
        CodedWeight codes = CodedWeight.of(context, quantizer, matrix, start);
        start = null;
        return new Reconstructed(codes, report);
      }
      // The values of the codes have those very codes again.
      try (Tensor values = quantizer.dequantize(context, result.codes(), result.parameters())) {
        PowerParameters learned = result.parameters().to(matrix.device());
        return new Reconstructed(CodedWeight.of(context, quantizer, values, learned), report);
      }
    } catch (IllegalArgumentException e) {
      throw new FailureException(
          "--calibration: tensor '" + name + "' cannot be calibrated: " + e.getMessage(), e);
    } finally {
      if (start != null) {
        start.close();
      }
    }
  }
}
