package org.lossmith.quantization;

import org.lossmith.Context;
import org.lossmith.DType;
import org.lossmith.Device;
import org.lossmith.PowerParameters;
import org.lossmith.Tensor;
import org.lossmith.Update;

/**
 * Scales and exponents that Adam steps. A scale is learned as the exponential of what is added to
 * the logarithm of the first one, so that one rate suits scales of any size and none turns
 * negative; an exponent is kept within bounds.
 */
final class LearnedParameters implements AutoCloseable {
  private final Owned owned = new Owned();
  private final Update scaleRule;
  private final Update exponentRule;
  private final float lowest;
  private final float highest;
  private final PowerParameters parameters;
  private final float[] start;
  private final float[] scales;
  private final float[] exponents;
  private final Tensor gradScale;
  private final Tensor gradExponent;
  private final Tensor logarithms;
  private final Tensor logarithmGradient;
  private final Tensor logarithmState;
  private final Tensor exponentRow;
  private final Tensor exponentGradient;
  private final Tensor exponentState;

  LearnedParameters(LearningRates rates, Device device, long[] shape, PowerParameters first) {
    scaleRule = LearningRates.adam(rates.scale());
    exponentRule = LearningRates.adam(rates.exponent());
    lowest = (float) rates.lowestExponent();
    highest = (float) rates.highestExponent();
    start = first.scale().toFloatArray();
    scales = start.clone();
    exponents = first.exponent().toFloatArray();
    try {
      Tensor scale = zeros(device, shape);
      Tensor exponent = zeros(device, exponents.length == 1 ? new long[] {1} : shape);
      parameters = PowerParameters.of(scale, exponent);
      gradScale = zeros(device, scale.shape());
      gradExponent = zeros(device, exponent.shape());
      logarithms = zeros(device, 1, scales.length);
      logarithmGradient = zeros(device, 1, scales.length);
      logarithmState = owned.add(scaleRule.newState(logarithms));
      exponentRow = owned.matrix(exponent, 1, exponents.length);
      exponentGradient = owned.matrix(gradExponent, 1, exponents.length);
      exponentState = owned.add(exponentRule.newState(exponentRow));
      scale.copyFrom(scales);
      exponent.copyFrom(exponents);
    } catch (RuntimeException | Error e) {
      owned.close();
      throw e;
    }
  }

  private Tensor zeros(Device device, long... shape) {
    return owned.add(Tensor.zeros(device, DType.F32, shape));
  }

  /** The present parameters; they belong to this object. */
  PowerParameters parameters() {
    return parameters;
  }

  /** Where the gradient of the scales goes; null if they are not learned. */
  Tensor gradScale() {
    return scaleRule.learningRate() > 0 ? gradScale : null;
  }

  /** Where the gradient of the exponents goes; null if they are not learned. */
  Tensor gradExponent() {
    return exponentRule.learningRate() > 0 ? gradExponent : null;
  }

  /** Takes a step down the gradients. */
  void step(Context context, long step) {
    if (gradScale() != null) {
      float[] gradient = gradScale.toFloatArray();
      for (int i = 0; i < gradient.length; i++) {
        gradient[i] *= scales[i];
      }
      logarithmGradient.copyFrom(gradient);
      scaleRule.step(context, logarithmGradient, logarithms, logarithmState, step);
      float[] added = logarithms.toFloatArray();
      for (int i = 0; i < scales.length; i++) {
        scales[i] = (float) (start[i] * Math.exp(added[i]));
      }
      parameters.scale().copyFrom(scales);
    }
    if (gradExponent() != null) {
      exponentRule.step(context, exponentGradient, exponentRow, exponentState, step);
      parameters.exponent().copyTo(exponents);
      for (int i = 0; i < exponents.length; i++) {
        exponents[i] = Math.max(lowest, Math.min(highest, exponents[i]));
      }
      parameters.exponent().copyFrom(exponents);
    }
  }

  /** The mean of the exponents. */
  double meanExponent() {
    double sum = 0;
    for (float exponent : exponents) {
      sum += exponent;
    }
    return sum / exponents.length;
  }

  /** A copy of the present parameters, to be closed by the caller. */
  PowerParameters copy() {
    return parameters.to(parameters.scale().device());
  }

  @Override
  public void close() {
    owned.close();
  }
}
