package org.lossmith.cli.quantize;

import org.lossmith.Context;
import org.lossmith.PowerParameters;
import org.lossmith.PowerQuantizer;
import org.lossmith.Tensor;

/**
 * A weight as packed codes.
 *
 * @param quantizer how they were made
 * @param parameters scales, exponents and shifts; closed with this
 * @param codes U8 [rows,bytes]; closed with this
 * @param columns codes of a row
 */
record CodedWeight(PowerQuantizer quantizer, PowerParameters parameters, Tensor codes, long columns)
    implements AutoCloseable {
  /**
   * Quantizes.
   *
   * @param matrix F32 [rows,columns]
   * @param parameters closed with the result, or if it cannot be made
   */
  static CodedWeight of(
      Context context, PowerQuantizer quantizer, Tensor matrix, PowerParameters parameters) {
    try {
      Tensor codes = quantizer.quantizePacked(context, matrix, parameters);
      return new CodedWeight(quantizer, parameters, codes, matrix.size(1));
    } catch (RuntimeException | Error e) {
      parameters.close();
      throw e;
    }
  }

  /** What the codes stand for: F32 [rows,columns]; the caller closes it. */
  Tensor values(Context context) {
    return quantizer.dequantizePacked(context, codes, columns, parameters);
  }

  /** What codes and parameters take. */
  long bytes() {
    return codes.bytes() + parameters.bytes();
  }

  @Override
  public void close() {
    codes.close();
    parameters.close();
  }
}
