package org.lossmith;

import java.util.Arrays;

/**
 * How good a ranking of labels is: precision, recall, nDCG, propensity-scored precision and mean
 * reciprocal rank, from the labels that were found for every row and those that are true.
 *
 * <p>Notation. T_i are the true labels of row i (those of relevance {@code > 0}; a label that is
 * given twice counts once, with its first relevance), y_il the relevance of label l (1 without
 * relevances), p_i1, p_i2, ... the labels that were found, best first. Only rows with at least one
 * true label count: N is their number, sums over i are over them, and every metric is NaN where N =
 * 0.
 *
 * <pre>{@code
 * P@k    = 1/N sum_i 1/k |{r <= k : p_ir in T_i}|
 * R@k    = 1/N sum_i 1/|T_i| |{r <= k : p_ir in T_i}|
 * nDCG@k = 1/N sum_i DCG_i / IDCG_i,  DCG_i = sum_{r <= k, p_ir in T_i} y_i(p_ir) / log2(r + 1),
 *          IDCG_i = the same of the min(k, |T_i|) most relevant labels of T_i in falling order
 * PSP@k  = sum_i sum_{r <= k, p_ir in T_i} 1/q(p_ir)
 *          / sum_i (sum of the min(k, |T_i|) largest 1/q(l), l in T_i)
 * MRR    = 1/N sum_i 1/r_i,  r_i the first r with p_ir in T_i; 0 without one
 * }</pre>
 *
 * <p>q(l) is the {@linkplain Propensities propensity} of label l. PSP@k is divided by the best that
 * is attainable, as in the tables of the extreme classification repository. -1 among the labels
 * found stands for none; a label that was found twice counts at its first place only.
 *
 * <pre>{@code
 * try (TopKResult found = TopK.of(5).search(context, x, labels)) {
 *   RankingMetrics metrics = RankingMetrics.of(found, truth);
 *   double p1 = metrics.precision(1);
 *   double p5 = metrics.precision(5);
 * }
 * }</pre>
 */
public final class RankingMetrics {
  private final long[] found;
  private final int width;
  private final TruthRows truth;
  private final int rows;

  private RankingMetrics(long[] found, int width, TruthRows truth) {
    this.found = found;
    this.width = width;
    this.truth = truth;
    int counted = 0;
    for (int row = 0; row < truth.rows(); row++) {
      counted += truth.count(row) > 0 ? 1 : 0;
    }
    rows = counted;
  }

  /**
   * Metrics of what a search has found. Both arguments are copied and may be closed afterwards.
   *
   * @param result what was found
   * @param truth the true labels of the same rows
   * @return metrics
   * @throws IllegalArgumentException if an argument is null, or the numbers of rows differ
   * @throws IllegalStateException if an argument is closed
   */
  public static RankingMetrics of(TopKResult result, LabelSets truth) {
    Checks.given("result", result);
    return of(result.idArray(), Math.toIntExact(result.ids().size(1)), truth);
  }

  /**
   * Metrics of labels from anywhere.
   *
   * @param found labels, best first, row after row; -1 for none
   * @param perRow how many of them belong to each row, {@code >= 1}
   * @param truth the true labels of the same rows
   * @return metrics
   * @throws IllegalArgumentException if an argument is null or outside its range, or the numbers of
   *     rows differ
   * @throws IllegalStateException if {@code truth} is closed
   */
  public static RankingMetrics of(long[] found, int perRow, LabelSets truth) {
    Checks.given("found", found);
    Checks.that(perRow >= 1, "perRow", "a value >= 1", perRow);
    Checks.given("truth", truth);
    Checks.that(
        found.length == truth.rows() * perRow,
        "found",
        perRow + " labels for each of " + truth.rows() + " rows",
        found.length);
    return new RankingMetrics(unrepeated(found, perRow), perRow, TruthRows.of(truth));
  }

  /** A copy in which labels that come again in their row are -1. */
  private static long[] unrepeated(long[] found, int perRow) {
    long[] copy = found.clone();
    long[] sorted = new long[perRow];
    for (int begin = 0; begin < copy.length; begin += perRow) {
      System.arraycopy(copy, begin, sorted, 0, perRow);
      Arrays.sort(sorted);
      boolean repeats = false;
      for (int i = 1; i < perRow; i++) {
        repeats |= sorted[i] >= 0 && sorted[i] == sorted[i - 1];
      }
      for (int i = begin; repeats && i < begin + perRow; i++) {
        for (int before = begin; before < i; before++) {
          if (copy[before] == found[i]) {
            copy[i] = -1;
          }
        }
      }
    }
    return copy;
  }

  /**
   * N: the number of rows that have a true label.
   *
   * @return a count
   */
  public int rows() {
    return rows;
  }

  /**
   * P@k: the share of true labels among the first k found.
   *
   * @param k 1 to the number of labels found per row
   * @return in [0, 1]; NaN without rows that count
   * @throws IllegalArgumentException for another k
   */
  public double precision(int k) {
    check(k);
    return mean(row -> (double) hits(row, k) / k);
  }

  /**
   * R@k: the share of the true labels that are among the first k found.
   *
   * @param k 1 to the number of labels found per row
   * @return in [0, 1]; NaN without rows that count
   * @throws IllegalArgumentException for another k
   */
  public double recall(int k) {
    check(k);
    return mean(row -> (double) hits(row, k) / truth.count(row));
  }

  /**
   * nDCG@k: the discounted relevances of the first k found over the best attainable.
   *
   * @param k 1 to the number of labels found per row
   * @return in [0, 1]; NaN without rows that count
   * @throws IllegalArgumentException for another k
   */
  public double ndcg(int k) {
    check(k);
    return mean(
        row -> {
          double gained = 0;
          for (int place = 0; place < k; place++) {
            int entry = entry(row, place);
            gained += entry < 0 ? 0 : truth.relevance(entry) * discount(place);
          }
          double[] best = largest(row, k, truth::relevance);
          double attainable = 0;
          for (int place = 0; place < best.length; place++) {
            attainable += best[place] * discount(place);
          }
          return gained / attainable;
        });
  }

  /**
   * PSP@k: precision in which a label counts the more, the rarer it is noted down, over the best
   * attainable.
   *
   * @param k 1 to the number of labels found per row
   * @param propensities of all true labels
   * @return in [0, 1]; NaN without rows that count
   * @throws IllegalArgumentException for another k, null, or a true label without a propensity
   */
  public double propensityScoredPrecision(int k, Propensities propensities) {
    check(k);
    Checks.given("propensities", propensities);
    double gained = 0;
    double attainable = 0;
    for (int row = 0; row < truth.rows(); row++) {
      for (int place = 0; place < k; place++) {
        int entry = entry(row, place);
        gained += entry < 0 ? 0 : propensities.inverse(truth.label(entry));
      }
      for (double best : largest(row, k, entry -> propensities.inverse(truth.label(entry)))) {
        attainable += best;
      }
    }
    return gained / attainable;
  }

  /**
   * MRR over all labels found.
   *
   * @return in [0, 1]; NaN without rows that count
   */
  public double meanReciprocalRank() {
    return mean(
        row -> {
          for (int place = 0; place < width; place++) {
            if (entry(row, place) >= 0) {
              return 1.0 / (place + 1);
            }
          }
          return 0;
        });
  }

  private interface RowValue {
    double of(int row);
  }

  private interface EntryValue {
    double of(int entry);
  }

  private double mean(RowValue value) {
    double sum = 0;
    for (int row = 0; row < truth.rows(); row++) {
      sum += truth.count(row) > 0 ? value.of(row) : 0;
    }
    return sum / rows;
  }

  /** The true label at a place of a row, negative if what was found there is not true. */
  private int entry(int row, int place) {
    return truth.find(row, found[row * width + place]);
  }

  private int hits(int row, int k) {
    int hits = 0;
    for (int place = 0; place < k; place++) {
      hits += entry(row, place) >= 0 ? 1 : 0;
    }
    return hits;
  }

  /** The min(k, |T_i|) largest values of a row's true labels, falling. */
  private double[] largest(int row, int k, EntryValue value) {
    double[] values = new double[truth.count(row)];
    for (int i = 0; i < values.length; i++) {
      values[i] = -value.of(truth.begin(row) + i);
    }
    Arrays.sort(values);
    double[] best = Arrays.copyOf(values, Math.min(k, values.length));
    for (int i = 0; i < best.length; i++) {
      best[i] = -best[i];
    }
    return best;
  }

  private static double discount(int place) {
    return Math.log(2) / Math.log(place + 2);
  }

  private void check(int k) {
    Checks.that(k >= 1 && k <= width, "k", "1 to " + width, k);
  }
}
