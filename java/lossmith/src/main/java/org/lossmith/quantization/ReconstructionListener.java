package org.lossmith.quantization;

/** Hears how far a reconstruction is. */
@FunctionalInterface
public interface ReconstructionListener {
  /**
   * Codes were judged as they are when rounded.
   *
   * @param iteration iterations so far
   * @param softLoss the error of the soft codes in the last of them
   * @param hardLoss the error of the rounded codes; with damping, both of them
   * @param exponent the exponent, or the mean of several
   */
  void judged(int iteration, double softLoss, double hardLoss, double exponent);
}
