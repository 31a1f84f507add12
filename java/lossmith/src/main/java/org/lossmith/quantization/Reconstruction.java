package org.lossmith.quantization;

import org.lossmith.PowerParameters;
import org.lossmith.Tensor;

/**
 * A layer that {@link PowerReconstruction} has quantized, and the squared errors of its outputs,
 * per row of the inputs, before (rounded to nearest at the start's scales and exponents) and after.
 *
 * @param parameters scales and exponents, F32
 * @param codes I8, of the shape of the weights
 * @param calibrationBefore the error on the inputs that were learned from, at the start
 * @param calibrationAfter the same of the result: never more
 * @param heldOutBefore the error on other inputs, at the start; NaN without such
 * @param heldOutAfter the same of the result
 * @param iterations how many there were
 * @param best after how many of them the result was found; 0: nothing better than the start
 */
public record Reconstruction(
    PowerParameters parameters,
    Tensor codes,
    double calibrationBefore,
    double calibrationAfter,
    double heldOutBefore,
    double heldOutAfter,
    int iterations,
    int best)
    implements AutoCloseable {
  /** Closes parameters and codes. Idempotent. */
  @Override
  public void close() {
    codes.close();
    parameters.close();
  }
}
