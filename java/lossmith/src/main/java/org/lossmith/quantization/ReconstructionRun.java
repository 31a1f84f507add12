package org.lossmith.quantization;

import org.lossmith.Context;
import org.lossmith.DType;
import org.lossmith.Device;
import org.lossmith.Groups;
import org.lossmith.PowerParameters;
import org.lossmith.PowerQuantizer;
import org.lossmith.Tensor;
import org.lossmith.Update;

/**
 * One run of {@link PowerReconstruction}: the tensors and the steps. Besides weights, latents,
 * codes and the state of Adam there are two matrices of the size of the weights: one holds values,
 * differences to the weights and rounded latents in turn, the other gradients.
 */
final class ReconstructionRun implements AutoCloseable {
  private static final Update SUBTRACT = Update.sgd(1);

  private final Owned owned = new Owned();
  private final PowerReconstruction settings;
  private final PowerQuantizer quantizer;
  private final Context context;
  private final Tensor weights;
  private final Tensor theta;
  private final Tensor difference;
  private final Tensor slope;
  private final Tensor codes;
  private final Tensor bestCodes;
  private final Tensor state;
  private final Update adam;
  private final LearnedParameters learned;
  private final LayerError error;

  /** Decodes codes as what they are: scale Q, exponent 1. */
  private final PowerQuantizer identity;

  private final PowerParameters ones;
  private PowerParameters best;
  private LayerError.Values bestValues;
  private LayerError.Values firstValues;
  private int bestIteration;

  /**
   * Prepares a run.
   *
   * @param weights [n,k] F32
   * @param start of the groups of the matrix
   */
  ReconstructionRun(
      PowerReconstruction settings,
      Context context,
      Tensor weights,
      PowerParameters start,
      SecondMoments calibration) {
    this.settings = settings;
    this.context = context;
    this.weights = weights;
    quantizer = settings.quantizer();
    identity = quantizer.withGroups(Groups.perTensor());
    adam = LearningRates.adam(settings.rates().codes());
    Device device = weights.device();
    try {
      theta = owned.add(Tensor.zeros(device, DType.F32, weights.shape()));
      difference = owned.add(Tensor.zeros(device, DType.F32, weights.shape()));
      slope = owned.add(Tensor.zeros(device, DType.F32, weights.shape()));
      codes = owned.add(Tensor.zeros(device, DType.I8, weights.shape()));
      bestCodes = owned.add(Tensor.zeros(device, DType.I8, weights.shape()));
      state = owned.add(adam.newState(theta));
      Tensor largest =
          owned.add(Tensor.of(device, DType.F32, new float[] {quantizer.largest()}, 1));
      Tensor one = owned.add(Tensor.of(device, DType.F32, new float[] {1}, 1));
      ones = PowerParameters.of(largest, one);
      long[] shape = quantizer.groups().shape(weights.shape());
      learned = new LearnedParameters(settings.rates(), device, shape, start);
      owned.closing(learned::close);
      error = new LayerError(context, weights, calibration, settings.damping(), difference, slope);
      owned.closing(error::close);
      quantizer.latents(context, weights, learned.parameters(), theta);
    } catch (RuntimeException | Error e) {
      close();
      throw e;
    }
  }

  /** Runs to the end; the result's codes are put into {@code out} of the weights' shape. */
  Reconstruction run(SecondMoments heldOut, ReconstructionListener listener, Tensor out) {
    firstValues = round();
    Expect.that(
        Double.isFinite(firstValues.damped()),
        "weights",
        "finite weights, parameters and inputs",
        "an error of " + firstValues.damped());
    double heldOutBefore = heldOut(heldOut);
    keep(0, firstValues);
    int iteration = 0;
    int waited = 0;
    while (iteration < settings.iterations() && waited < settings.patience()) {
      double fraction = (iteration + 1.0) / settings.iterations();
      boolean judged =
          (iteration + 1) % settings.interval() == 0 || iteration + 1 == settings.iterations();
      double soft = step(iteration++, fraction, judged);
      if (judged) {
        LayerError.Values hard = round();
        boolean better = hard.damped() < bestValues.damped() && hard.plain() <= firstValues.plain();
        if (better) {
          keep(iteration, hard);
        }
        // Before the middle latents are far from codes, and a pause says nothing.
        waited = better || fraction < 0.5 ? 0 : waited + 1;
        if (listener != null) {
          listener.judged(iteration, soft, hard.damped(), learned.meanExponent());
        }
      }
    }
    return result(heldOut, heldOutBefore, iteration, out);
  }

  /** One step; returns the error before it if that is wanted. */
  private double step(int iteration, double fraction, boolean wanted) {
    double beta = settings.annealing().beta(fraction);
    PowerParameters now = learned.parameters();
    quantizer.staircase(context, beta, theta, now, null, difference, null, null, null, null);
    SUBTRACT.step(context, weights, difference, null, 0);
    error.evaluate();
    double soft = wanted ? error.values().damped() : Double.NaN;
    quantizer.staircase(
        context,
        beta,
        theta,
        now,
        slope,
        null,
        null,
        slope,
        learned.gradScale(),
        learned.gradExponent());
    adam.step(context, slope, theta, state, iteration);
    learned.step(context, iteration);
    pull(settings.annealing().pull(fraction));
    return soft;
  }

  /** Moves latents towards the codes that they are nearest to. */
  private void pull(double share) {
    if (share > 0) {
      identity.staircase(context, 0, theta, ones, null, difference, null, null, null, null);
      SUBTRACT.step(context, difference, null, theta, null, slope, 0);
      Update.sgd(share).step(context, slope, theta, null, 0);
    }
  }

  /** Rounds the latents, and returns the error. */
  private LayerError.Values round() {
    quantizer.staircase(
        context, 0, theta, learned.parameters(), null, difference, codes, null, null, null);
    SUBTRACT.step(context, weights, difference, null, 0);
    error.evaluate();
    return error.values();
  }

  private void keep(int iteration, LayerError.Values values) {
    context.copy(codes, bestCodes);
    PowerParameters kept = learned.copy();
    if (best != null) {
      best.close();
    }
    best = kept;
    bestValues = values;
    bestIteration = iteration;
  }

  /** The error on other inputs at the difference that the memory holds; NaN without inputs. */
  private double heldOut(SecondMoments heldOut) {
    if (heldOut == null) {
      return Double.NaN;
    }
    try (LayerError other = new LayerError(context, weights, heldOut, 0, difference, slope)) {
      other.evaluate();
      return other.values().plain();
    }
  }

  private Reconstruction result(
      SecondMoments heldOut, double heldOutBefore, int iterations, Tensor out) {
    quantizer.dequantize(context, bestCodes, best, difference);
    SUBTRACT.step(context, weights, difference, null, 0);
    double heldOutAfter = heldOut(heldOut);
    try (Tensor matrix =
        Tensor.wrap(out.address(), out.device(), DType.I8, out, weights.shape(), null)) {
      context.copy(bestCodes, matrix);
    }
    Reconstruction result =
        new Reconstruction(
            best,
            out,
            firstValues.plain(),
            bestValues.plain(),
            heldOutBefore,
            heldOutAfter,
            iterations,
            bestIteration);
    best = null;
    return result;
  }

  @Override
  public void close() {
    owned.close();
    if (best != null) {
      best.close();
      best = null;
    }
  }
}
