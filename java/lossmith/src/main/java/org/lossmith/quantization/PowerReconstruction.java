package org.lossmith.quantization;

import org.lossmith.Context;
import org.lossmith.DType;
import org.lossmith.PowerParameters;
import org.lossmith.PowerQuantizer;
import org.lossmith.PowerRange;
import org.lossmith.PowerSearch;
import org.lossmith.Tensor;

/**
 * Quantizes one layer after data that it sees, as NUPES does: codes, scales and exponents are
 * learned together so that the outputs of the layer change least,
 *
 * <pre>{@code
 * L = (1/m) |X W^T - X^ W^^T|^2
 * }</pre>
 *
 * <p>over m rows of inputs X of the float network and X^ of the quantized one. L and its gradient
 * need only {@link SecondMoments} of the inputs, which calibration data are added to batch by
 * batch; an iteration costs the same whatever m is.
 *
 * <p>Every weight has a latent theta in the space of codes, which starts at the real-valued code u
 * of the operator and may travel to any code, not only to those beside it. An iteration
 *
 * <pre>{@code
 * W^ <- decoded phi_beta(theta)               the soft staircase of PowerQuantizer.staircase
 * theta, log s, a <- Adam step down dL        a within its bounds
 * theta <- theta - pull (theta - round(theta))
 * }</pre>
 *
 * <p>with beta and the pull growing along the run ({@link Annealing}). Every {@link #interval}
 * iterations the codes are rounded and judged by L, and the best are kept; the first candidate is
 * the start, so that the result is never worse than rounding to nearest with the start's
 * parameters. The run ends early if nothing better came for {@link #patience} judgements in its
 * second half.
 *
 * <p>The pull stands in for the regulariser of AdaRound. Without one the soft codes reproduce W
 * exactly at every beta, since phi_beta is a bijection: L then says nothing about rounding. The
 * share of the distance is taken directly, not through Adam, and so needs no factor that depends on
 * the scale of L.
 *
 * <pre>{@code
 * try (SecondMoments moments = SecondMoments.of(Device.cpu(), inputs)) {
 *   for (Tensor batch : batches) {
 *     moments.add(context, batch); // [m, inputs]
 *   }
 *   PowerQuantizer quantizer = PowerQuantizer.of(4).withGroups(Groups.perChannel(0));
 *   try (Reconstruction layer = PowerReconstruction.of(quantizer).run(context, weights, moments)) {
 *     // layer.codes(), layer.parameters(), layer.calibrationBefore(), ...
 *   }
 * }
 * }</pre>
 *
 * <p>Weights are those of a linear layer [n,k], or of a convolution [o,c/groups,kh,kw], which is a
 * linear layer on {@link Patches}. The same input gives the same bits, whatever the threads.
 *
 * <p>Cost: a product of [n,k] and [k,k] for each iteration and judgement, beside which a few passes
 * over the weights count little; memory for some 30 bytes per weight and for two matrices [k,k].
 *
 * <p>With fewer rows than inputs, or not many more, the result fits the rows and not the data: the
 * error on other inputs then falls less, or rises. {@link #damping} helps somewhat. Where inputs
 * are independent of each other and equally large there is little to gain over {@link PowerSearch}.
 *
 * <p>Papers: Yvinec, Dapogny, Cord, Bailly, Fischer: NUPES, 2023 (arXiv 2308.05600), whose details
 * of the parametrisation were not available to us: latents, pull and schedules are our choice;
 * Nagel et al.: Up or Down? Adaptive Rounding for Post-Training Quantization, ICML 2020 (arXiv
 * 2004.10568).
 *
 * @param quantizer bits and groups, signed; groups of matrices [n,k], or per tensor or axis 0
 * @param iterations at most; 0: rounding to nearest
 * @param annealing how codes become integers
 * @param rates what is learned, and how fast
 * @param damping share of the mean of the diagonal of the moments that is added to it
 * @param interval iterations from one judgement to the next
 * @param patience judgements in the second half without anything better, after which a run ends
 */
public record PowerReconstruction(
    PowerQuantizer quantizer,
    int iterations,
    Annealing annealing,
    LearningRates rates,
    double damping,
    int interval,
    int patience) {
  /**
   * Checks the components.
   *
   * @param quantizer bits and groups, signed; groups of matrices [n,k], or per tensor or axis 0
   * @param iterations at most; 0: rounding to nearest
   * @param annealing how codes become integers
   * @param rates what is learned, and how fast
   * @param damping share of the mean of the diagonal of the moments that is added to it
   * @param interval iterations from one judgement to the next
   * @param patience judgements in the second half without anything better, after which a run ends
   * @throws IllegalArgumentException for a component outside its range
   */
  public PowerReconstruction {
    Expect.given("quantizer", quantizer);
    Expect.that(
        quantizer.range() == PowerRange.SIGNED,
        "quantizer",
        "signed codes, as weights have",
        quantizer.range());
    Expect.that(iterations >= 0, "iterations", "a value >= 0", iterations);
    Expect.given("annealing", annealing);
    Expect.given("rates", rates);
    Expect.notNegative("damping", damping);
    Expect.that(interval >= 1, "interval", "a value >= 1", interval);
    Expect.that(patience >= 1, "patience", "a value >= 1", patience);
  }

  /**
   * A reconstruction with 1000 iterations, {@link Annealing#soft}, {@link LearningRates#all},
   * damping 0.01, judged every 25 iterations, patience 8.
   *
   * @param quantizer bits and groups, signed
   * @return a reconstruction
   * @throws IllegalArgumentException for null, or codes without sign
   */
  public static PowerReconstruction of(PowerQuantizer quantizer) {
    return new PowerReconstruction(
        quantizer, 1000, Annealing.soft(), LearningRates.all(), 0.01, 25, 8);
  }

  /**
   * This reconstruction with another component.
   *
   * @param iterations the new value
   * @return a new reconstruction
   * @throws IllegalArgumentException for a value outside its range
   */
  public PowerReconstruction withIterations(int iterations) {
    return new PowerReconstruction(
        quantizer, iterations, annealing, rates, damping, interval, patience);
  }

  /**
   * This reconstruction with another component.
   *
   * @param annealing the new value
   * @return a new reconstruction
   * @throws IllegalArgumentException for a value outside its range
   */
  public PowerReconstruction withAnnealing(Annealing annealing) {
    return new PowerReconstruction(
        quantizer, iterations, annealing, rates, damping, interval, patience);
  }

  /**
   * This reconstruction with another component.
   *
   * @param rates the new value
   * @return a new reconstruction
   * @throws IllegalArgumentException for a value outside its range
   */
  public PowerReconstruction withRates(LearningRates rates) {
    return new PowerReconstruction(
        quantizer, iterations, annealing, rates, damping, interval, patience);
  }

  /**
   * This reconstruction with another component.
   *
   * @param damping the new value
   * @return a new reconstruction
   * @throws IllegalArgumentException for a value outside its range
   */
  public PowerReconstruction withDamping(double damping) {
    return new PowerReconstruction(
        quantizer, iterations, annealing, rates, damping, interval, patience);
  }

  /**
   * This reconstruction with other judgements.
   *
   * @param interval the new value
   * @param patience the new value
   * @return a new reconstruction
   * @throws IllegalArgumentException for a value outside its range
   */
  public PowerReconstruction withPatience(int interval, int patience) {
    return new PowerReconstruction(
        quantizer, iterations, annealing, rates, damping, interval, patience);
  }

  /**
   * Quantizes a layer, from the scales and exponents that {@link PowerSearch} finds without data.
   *
   * @param context where to compute
   * @param weights floating-point, [n,k] or [o,c/groups,kh,kw]
   * @param calibration moments of the layer's inputs
   * @return the quantized layer, to be closed by the caller
   * @throws IllegalArgumentException if an argument does not fit, or has NaN or an infinity
   * @throws IllegalStateException if an argument is closed
   */
  public Reconstruction run(Context context, Tensor weights, SecondMoments calibration) {
    return run(context, weights, null, calibration, null, null);
  }

  /**
   * Quantizes a layer.
   *
   * @param context where to compute
   * @param weights floating-point, [n,k] or [o,c/groups,kh,kw]
   * @param start scales, and an exponent for each or for all; null: those of {@link PowerSearch}
   * @param calibration moments of the layer's inputs
   * @param heldOut moments of other inputs, which the result is judged by and nothing is learned
   *     from; or null
   * @param listener hears of every judgement; or null
   * @return the quantized layer, to be closed by the caller
   * @throws IllegalArgumentException if an argument does not fit, or has NaN or an infinity
   * @throws IllegalStateException if an argument is closed
   */
  public Reconstruction run(
      Context context,
      Tensor weights,
      PowerParameters start,
      SecondMoments calibration,
      SecondMoments heldOut,
      ReconstructionListener listener) {
    Expect.given("context", context);
    Expect.given("weights", weights);
    Expect.that(
        weights.rank() >= 2 && weights.elements() > 0,
        "weights",
        "elements of a matrix or a convolution",
        weights);
    Expect.that(
        weights.rank() == 2 || quantizer.groups().axis() <= 0 && quantizer.groups().columns() == 0,
        "groups",
        "per tensor or axis 0 for a convolution",
        quantizer.groups());
    long rows = weights.size(0);
    long columns = weights.elements() / rows;
    check("calibration", Expect.given("calibration", calibration), rows, columns);
    if (heldOut != null) {
      check("heldOut", heldOut, rows, columns);
    }
    try (Owned owned = new Owned()) {
      Tensor matrix = owned.matrix(owned.add(weights.to(DType.F32)), rows, columns);
      PowerParameters first = start;
      if (first == null) {
        first = PowerSearch.of(quantizer).search(context, matrix);
        owned.closing(first::close);
      }
      check(first, matrix);
      String source = start == null ? "weights" : "start";
      finite(source, first.scale());
      finite(source, first.exponent());
      ReconstructionRun run = new ReconstructionRun(this, context, matrix, first, calibration);
      owned.closing(run::close);
      Tensor codes = Tensor.zeros(weights.device(), DType.I8, weights.shape());
      try {
        return run.run(heldOut, listener, codes);
      } catch (RuntimeException | Error e) {
        codes.close();
        throw e;
      }
    }
  }

  private static void check(String name, SecondMoments moments, long rows, long columns) {
    Expect.that(
        moments.columns() == columns && rows % moments.groups() == 0,
        name,
        "moments of " + columns + " columns, and groups that divide " + rows,
        moments.columns() + " columns in " + moments.groups() + " groups");
    Expect.that(moments.rows() > 0, name, "at least one row of inputs", moments.rows());
  }

  /** Parameters that were found have NaN or an infinity where the weights have. */
  private static void finite(String name, Tensor parameters) {
    for (float parameter : parameters.toFloatArray()) {
      Expect.that(Float.isFinite(parameter), name, "finite elements", parameter);
    }
  }

  private void check(PowerParameters start, Tensor matrix) {
    long scales = 1;
    for (long extent : quantizer.groups().shape(matrix.shape())) {
      scales *= extent;
    }
    Expect.that(start.shift() == null, "start", "no shift", start.shift());
    Expect.that(
        start.scale().elements() == scales, "start", scales + " scales", start.scale().elements());
    Expect.that(
        start.exponent().elements() == 1 || start.exponent().elements() == scales,
        "start",
        "one exponent, or " + scales,
        start.exponent().elements());
  }
}
