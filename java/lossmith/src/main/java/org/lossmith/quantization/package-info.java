/**
 * Procedures that quantize networks, composed of the operations of {@link org.lossmith}: {@link
 * org.lossmith.quantization.NetworkExponent} finds one exponent for all tensors.
 */
package org.lossmith.quantization;
