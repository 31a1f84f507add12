package org.lossmith.cli.quantize;

import java.util.List;

/**
 * What a quantization did.
 *
 * @param in the model
 * @param out the quantized model
 * @param method the kind of grid
 * @param bits of a code
 * @param exponent where exponents come from
 * @param sharing what shares a scale
 * @param layers the weights
 * @param skipped names of weights that were left as they are
 * @param sqnr signal to quantization noise over all weights in dB
 * @param uniformSymmetric the same on a uniform symmetric grid
 * @param uniformAsymmetric the same on a uniform asymmetric grid
 * @param bytesBefore what the weights took
 * @param bytesAfter what their codes and parameters take
 * @param fileBytesBefore the files of the model
 * @param fileBytesAfter the files of the output
 * @param seconds of it all
 */
record QuantizeReport(
    String in,
    String out,
    String method,
    int bits,
    String exponent,
    String sharing,
    List<LayerReport> layers,
    List<String> skipped,
    double sqnr,
    double uniformSymmetric,
    double uniformAsymmetric,
    long bytesBefore,
    long bytesAfter,
    long fileBytesBefore,
    long fileBytesAfter,
    double seconds) {}
