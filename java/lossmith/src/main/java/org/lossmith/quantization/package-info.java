/**
 * Procedures that quantize networks, composed of the operations of {@link org.lossmith}: {@link
 * org.lossmith.quantization.NetworkExponent} finds one exponent for all tensors, {@link
 * org.lossmith.quantization.PowerReconstruction} learns the codes of a layer from {@link
 * org.lossmith.quantization.SecondMoments} of its inputs, which for a convolution are {@link
 * org.lossmith.quantization.Patches} of images.
 */
package org.lossmith.quantization;
