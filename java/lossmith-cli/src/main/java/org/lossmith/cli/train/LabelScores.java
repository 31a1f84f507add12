package org.lossmith.cli.train;

import java.util.List;

/**
 * How well points find their labels among all labels.
 *
 * @param judgedBy which points
 * @param points how many of them have a label
 * @param at the metrics at several depths
 * @param meanReciprocalRank mean of 1 / rank of the first right label, 0 where it is not among the
 *     {@link Judge#DEEPEST} first
 */
public record LabelScores(String judgedBy, int points, List<At> at, double meanReciprocalRank) {
  /**
   * The metrics of the first k labels.
   *
   * @param precision share of right labels among them
   * @param recall share of the right labels that are among them
   * @param ndcg discounted gain over the best attainable
   * @param psp propensity-scored precision over the best attainable; null where the training has
   *     too few points for propensities
   */
  public record At(int k, double precision, double recall, double ndcg, Double psp) {}

  /** The metrics at a depth. */
  public At at(int k) {
    return at.stream().filter(a -> a.k() == k).findFirst().orElseThrow();
  }
}
