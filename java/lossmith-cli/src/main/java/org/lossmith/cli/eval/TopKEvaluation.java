package org.lossmith.cli.eval;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.stream.LongStream;
import org.lossmith.Context;
import org.lossmith.RankingMetrics;
import org.lossmith.TopK;
import org.lossmith.TopKInputs;
import org.lossmith.TopKResult;

/** A search and what it has found. */
final class TopKEvaluation extends TensorsEvaluation {
  private final TopK search;
  private final TopKInputs inputs;
  private final Context context;

  /** What is right; null if nobody asks how good the labels are. */
  private final LabelledSets positives;

  private final TopKResult result;

  TopKEvaluation(TopK search, TopKInputs inputs, Context context, LabelledSets positives) {
    this.search = search;
    this.inputs = inputs;
    this.context = context;
    this.positives = positives;
    result = search.result(inputs);
    result(TopKOperation.IDS, result.ids());
    result(TopKOperation.SCORES, result.scores());
  }

  @Override
  public void run() {
    search.search(context, inputs, result);
    context.synchronize();
  }

  /** The metrics at 1, 3, 5 and k, as far as k goes. */
  @Override
  public Map<String, Double> values() {
    Map<String, Double> values = new LinkedHashMap<>();
    if (positives == null) {
      return values;
    }
    RankingMetrics metrics = RankingMetrics.of(result, positives.sets());
    int[] cutoffs =
        LongStream.of(1, 3, 5, search.k())
            .filter(k -> k <= search.k())
            .distinct()
            .mapToInt(Math::toIntExact)
            .toArray();
    for (int k : cutoffs) {
      values.put("P@" + k, metrics.precision(k));
    }
    for (int k : cutoffs) {
      values.put("R@" + k, metrics.recall(k));
    }
    for (int k : cutoffs) {
      values.put("nDCG@" + k, metrics.ndcg(k));
    }
    values.put("MRR", metrics.meanReciprocalRank());
    return values;
  }

  @Override
  public void close() {
    super.close();
    result.close();
  }
}
