package org.lossmith.quantization;

import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.lossmith.Context;
import org.lossmith.DType;
import org.lossmith.PowerParameters;
import org.lossmith.PowerSearch;
import org.lossmith.Tensor;

/**
 * The search for one exponent of all tensors of a network, as PowerQuant has it:
 *
 * <pre>{@code
 * a* = argmin_a  sum_i f_i E_i(a)      E_i(a) = sum_groups min_c sum |w - w^(a, c s)|^p
 * }</pre>
 *
 * <p>over the tensors i with factors f_i (1 unless given), with the scales s that the data of each
 * group has, and the exponents, refinements, clip ratios c and norm p of a {@link PowerSearch}. The
 * best exponent that was seen is kept.
 *
 * <p>Tensors are added one after the other, once for each grid, so that they need not be in memory
 * together:
 *
 * <pre>{@code
 * NetworkExponent network = NetworkExponent.of(PowerSearch.of(quantizer));
 * do {
 *   for (Path file : files) {
 *     try (Tensor w = read(file)) {
 *       network.add(context, w);
 *     }
 *   }
 * } while (network.refine());
 * double best = network.exponent();
 * }</pre>
 *
 * <p>{@link #search} does that for tensors that are in memory. The same tensors in the same order
 * give the same exponent, whatever the threads. An object is for use by one thread at a time; it
 * holds no native memory.
 *
 * <p>Cost: each tensor is read once for its scales and once for each grid.
 *
 * <p>Paper: Yvinec et al.: PowerQuant, ICLR 2023 (arXiv 2301.09858), where the search is by
 * Nelder-Mead.
 */
public final class NetworkExponent {
  /** Exponents of a finer grid. */
  private static final int FINER = 9;

  /** The most errors that are in memory at once; groups beyond that are taken in blocks of rows. */
  private static final long MOST_ERRORS = 1L << 22;

  private final PowerSearch search;

  /** All exponents of complete grids, with the sums of their errors. */
  private final TreeMap<Double, Double> seen = new TreeMap<>();

  private double[] candidates;
  private double[] sums;
  private double step;
  private int refinements;
  private boolean fed;

  private NetworkExponent(PowerSearch search) {
    this.search = search;
    begin(grid(search.lowest(), search.highest(), search.steps()));
    step = (search.highest() - search.lowest()) / (search.steps() - 1);
  }

  /**
   * Begins a search.
   *
   * @param search the bits, range and groups, the grids, the norm and the clip ratios
   * @return a search over its first grid
   * @throws IllegalArgumentException for null
   */
  public static NetworkExponent of(PowerSearch search) {
    return new NetworkExponent(Expect.given("search", search));
  }

  /**
   * Adds the errors of a tensor over the present grid.
   *
   * @param context where to compute
   * @param w F32, BF16, F16 or F64
   * @throws IllegalArgumentException if an argument does not fit, or w has NaN or an infinity;
   *     nothing was added then
   * @throws IllegalStateException if an argument is closed, or no grid is left
   */
  public void add(Context context, Tensor w) {
    add(context, w, 1);
  }

  /**
   * The same with a factor, for example one over the mean square of the tensor, so that every
   * tensor counts by its relative error.
   *
   * @param context where to compute
   * @param w F32, BF16, F16 or F64
   * @param factor of the errors, finite, {@code >= 0}; the same for every grid
   * @throws IllegalArgumentException if an argument does not fit, or w has NaN or an infinity;
   *     nothing was added then
   * @throws IllegalStateException if an argument is closed, or no grid is left
   */
  public void add(Context context, Tensor w, double factor) {
    Expect.given("context", context);
    Expect.given("w", w);
    Expect.notNegative("factor", factor);
    if (candidates.length == 0) {
      throw new IllegalStateException(
          "add: expected a grid that is left, got the end of the search");
    }
    double[] errors = new double[candidates.length];
    try (Tensor scale = search.quantizer().scales(context, w)) {
      sumOverGroups(context, w, scale, errors);
    }
    if (!Double.isFinite(Arrays.stream(errors).sum())) {
      throw new IllegalArgumentException(
          "w: expected finite elements, got NaN or an infinity in " + w);
    }
    for (int i = 0; i < errors.length; i++) {
      sums[i] += factor * errors[i];
    }
    fed = true;
  }

  private void sumOverGroups(Context context, Tensor w, Tensor scale, double[] errors) {
    long most = Math.max(1, MOST_ERRORS / ((long) search.clips() * candidates.length));
    if (search.quantizer().groups().columns() == 0 || scale.elements() <= most) {
      sumOverBlock(context, w, scale, errors);
      return;
    }
    long rows = Math.max(1, most / Math.max(1, scale.size(1)));
    for (long from = 0; from < w.size(0); from += rows) {
      long to = Math.min(w.size(0), from + rows);
      try (Tensor block = w.rows(from, to);
          Tensor scales = scale.rows(from, to)) {
        sumOverBlock(context, block, scales, errors);
      }
    }
  }

  /** Adds, for each candidate, the error of every group at its best clip ratio. */
  private void sumOverBlock(Context context, Tensor w, Tensor scale, double[] errors) {
    double[] all = errors(context, w, scale, candidates);
    int clips = search.clips();
    int count = candidates.length;
    for (int group = 0; group < all.length / (clips * count); group++) {
      for (int i = 0; i < count; i++) {
        double least = all[group * clips * count + i];
        for (int clip = 1; clip < clips; clip++) {
          least = Math.min(least, all[(group * clips + clip) * count + i]);
        }
        errors[i] += least;
      }
    }
  }

  /** E of each group, clip ratio and exponent. */
  private double[] errors(Context context, Tensor w, Tensor scale, double[] exponents) {
    long groups = scale.elements();
    try (Tensor grid = values(scale, exponents);
        Tensor ratios = values(scale, ratios());
        Tensor errors =
            Tensor.zeros(scale.device(), DType.F64, groups, search.clips(), exponents.length)) {
      search.errors(context, w, scale, null, grid, ratios, errors);
      return errors.toDoubleArray();
    }
  }

  private double[] ratios() {
    double[] ratios = new double[search.clips()];
    Arrays.setAll(ratios, i -> 1 - i * search.clipStep());
    return ratios;
  }

  /** The numbers as a tensor of the type and on the device of the scales. */
  private static Tensor values(Tensor scale, double[] numbers) {
    Tensor values = Tensor.zeros(scale.device(), scale.dtype(), numbers.length);
    try {
      return values.copyFrom(numbers);
    } catch (RuntimeException | Error e) {
      values.close();
      throw e;
    }
  }

  /**
   * Ends the present grid, and begins a finer one around the best exponent if one is left.
   *
   * @return whether there is another grid: then every tensor is to be added again
   * @throws IllegalStateException if no tensor was added since the grid began
   */
  public boolean refine() {
    if (!fed) {
      throw new IllegalStateException("refine: expected a tensor to be added before, got none");
    }
    for (int i = 0; i < candidates.length; i++) {
      seen.put(candidates[i], sums[i]);
    }
    if (refinements == search.refinements()) {
      begin(new double[0]);
      return false;
    }
    refinements++;
    double best = exponent();
    double from = Math.max(search.lowest(), best - step);
    double to = Math.min(search.highest(), best + step);
    step = (to - from) / (FINER - 1);
    double[] finer =
        Arrays.stream(grid(from, to, FINER)).filter(a -> !seen.containsKey(a)).toArray();
    begin(finer);
    return finer.length > 0;
  }

  private void begin(double[] grid) {
    candidates = grid;
    sums = new double[grid.length];
    fed = false;
  }

  /** Evenly spaced exponents, as F32 parameters hold them. */
  private static double[] grid(double from, double to, int count) {
    double[] grid = new double[count];
    Arrays.setAll(grid, i -> (float) (from + (to - from) * i / (count - 1)));
    return Arrays.stream(grid).distinct().toArray();
  }

  /**
   * Searches over tensors that are in memory: all grids of this search that are left.
   *
   * @param context where to compute
   * @param weights F32, BF16, F16 or F64, at least one
   * @return the best exponent
   * @throws IllegalArgumentException if an argument does not fit, or a tensor has NaN or an
   *     infinity
   * @throws IllegalStateException if an argument is closed, or no grid is left
   */
  public double search(Context context, List<Tensor> weights) {
    Expect.given("weights", weights);
    Expect.that(!weights.isEmpty(), "weights", "at least one tensor", "none");
    do {
      weights.forEach(w -> add(context, w));
    } while (refine());
    return exponent();
  }

  /**
   * The exponents of the present grid.
   *
   * @return a new array, ascending; empty after the last grid
   */
  public double[] candidates() {
    return candidates.clone();
  }

  /**
   * The best exponent of the grids that {@link #refine} has ended; of several equal ones the
   * lowest.
   *
   * @return an exponent that F32 holds
   * @throws IllegalStateException before the end of the first grid
   */
  public double exponent() {
    return best().getKey();
  }

  /**
   * The error of the best exponent.
   *
   * @return the sum over all tensors
   * @throws IllegalStateException before the end of the first grid
   */
  public double error() {
    return best().getValue();
  }

  private Map.Entry<Double, Double> best() {
    return seen.entrySet().stream()
        .min(Map.Entry.comparingByValue())
        .orElseThrow(
            () -> new IllegalStateException("exponent: expected a grid that was ended, got none"));
  }

  /**
   * All exponents that were tried in the grids that {@link #refine} has ended.
   *
   * @return a new array, ascending
   */
  public double[] exponents() {
    return seen.keySet().stream().mapToDouble(Double::doubleValue).toArray();
  }

  /**
   * The errors of {@link #exponents}, in their order.
   *
   * @return a new array
   */
  public double[] errors() {
    return seen.values().stream().mapToDouble(Double::doubleValue).toArray();
  }

  /**
   * The parameters of a tensor at the best exponent: its scales, each times its best clip ratio.
   *
   * @param context where to compute
   * @param w F32, BF16, F16 or F64
   * @return new parameters with one exponent, to be closed by the caller
   * @throws IllegalArgumentException if an argument does not fit
   * @throws IllegalStateException if an argument is closed, or before the end of the first grid
   */
  public PowerParameters parameters(Context context, Tensor w) {
    Expect.given("context", context);
    Expect.given("w", w);
    double exponent = exponent();
    PowerParameters parameters = search.quantizer().parameters(context, w, exponent);
    try {
      if (search.clips() > 1) {
        clip(context, w, parameters.scale(), exponent);
      }
      return parameters;
    } catch (RuntimeException | Error e) {
      parameters.close();
      throw e;
    }
  }

  private void clip(Context context, Tensor w, Tensor scale, double exponent) {
    double[] ratios = ratios();
    double[] all = errors(context, w, scale, new double[] {exponent});
    double[] scales = scale.toDoubleArray();
    for (int group = 0; group < scales.length; group++) {
      int best = 0;
      for (int clip = 1; clip < ratios.length; clip++) {
        if (all[group * ratios.length + clip] < all[group * ratios.length + best]) {
          best = clip;
        }
      }
      scales[group] *= ratios[best];
    }
    scale.copyFrom(scales);
  }
}
