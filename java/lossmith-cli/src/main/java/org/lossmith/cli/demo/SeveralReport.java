package org.lossmith.cli.demo;

import java.util.List;
import java.util.stream.IntStream;
import org.lossmith.RankingMetrics;

/**
 * What a loss reached on names of several entities that it was not trained on.
 *
 * @param precisionAt1 share of the names whose nearest entity is right
 * @param precisionAt5 share of right entities among the five nearest
 * @param recallAt5 share of the right entities among the five nearest
 * @param recall the same among the 1, 2, ... nearest
 * @param trainedSpread mean spread of the scores of a name's right entities, trained names
 * @param heldOutSpread the same, held-out names
 * @param secondsPerEpoch mean
 * @param losses mean loss of each epoch
 */
record SeveralReport(
    String name,
    double precisionAt1,
    double precisionAt5,
    double recallAt5,
    List<Double> recall,
    double trainedSpread,
    double heldOutSpread,
    double secondsPerEpoch,
    List<Double> losses) {
  /** The depth of the metrics in the table. */
  static final int DEPTH = 5;

  /** The depth of the curve. */
  static final int DEEPEST = 20;

  static SeveralReport of(
      String name,
      RankingMetrics found,
      double trainedSpread,
      double heldOutSpread,
      double secondsPerEpoch,
      List<Double> losses) {
    return new SeveralReport(
        name,
        found.precision(1),
        found.precision(DEPTH),
        found.recall(DEPTH),
        IntStream.rangeClosed(1, DEEPEST).mapToObj(found::recall).toList(),
        trainedSpread,
        heldOutSpread,
        secondsPerEpoch,
        losses);
  }
}
