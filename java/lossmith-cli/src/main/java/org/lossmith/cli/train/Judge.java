package org.lossmith.cli.train;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import org.lossmith.Context;
import org.lossmith.DType;
import org.lossmith.Device;
import org.lossmith.LabelSets;
import org.lossmith.Propensities;
import org.lossmith.RankingMetrics;
import org.lossmith.Tensor;
import org.lossmith.TopK;
import org.lossmith.TopKResult;
import org.lossmith.cli.data.Examples;

/** Searches the best labels of points and scores them. */
public final class Judge {
  /** How many labels are searched for each point. */
  public static final int DEEPEST = 100;

  private static final List<Integer> DEPTHS = List.of(1, 3, 5, 10, DEEPEST);
  private static final int ROWS_AT_ONCE = 1024;

  /** The paper's constant C is positive for more rows than e. */
  private static final int FEWEST_ROWS_FOR_PROPENSITIES = 3;

  private final TrainSettings settings;
  private final Context context;
  private final Propensities propensities;

  /**
   * Creates a judge.
   *
   * @param training what was trained on: its labels' frequencies tell the propensities
   */
  public Judge(Examples training, TrainSettings settings, Context context) {
    this.settings = settings;
    this.context = context;
    propensities =
        training.rows() < FEWEST_ROWS_FOR_PROPENSITIES
            ? null
            : Propensities.of(training.frequencies(), training.rows());
  }

  /** Scores a model on points. */
  public LabelScores score(String judgedBy, LabelModel model, Examples points) {
    int width = Math.min(DEEPEST, points.labelCount());
    RankingMetrics metrics = metrics(model, points, width);
    List<LabelScores.At> at = new ArrayList<>();
    for (int k : DEPTHS) {
      if (k <= width) {
        at.add(
            new LabelScores.At(
                k,
                metrics.precision(k),
                metrics.recall(k),
                metrics.ndcg(k),
                propensities == null ? null : metrics.propensityScoredPrecision(k, propensities)));
      }
    }
    return new LabelScores(judgedBy, metrics.rows(), at, metrics.meanReciprocalRank());
  }

  /**
   * Searches the best labels of points.
   *
   * @param width how many for each point
   */
  public RankingMetrics metrics(LabelModel model, Examples points, int width) {
    int[] rows = IntStream.range(0, points.rows()).toArray();
    try (LabelSets truth = points.sets(Device.cpu(), rows)) {
      return RankingMetrics.of(search(model, points, width), width, truth);
    }
  }

  /** The labels found for every point, best first. */
  private long[] search(LabelModel model, Examples points, int width) {
    TopK search =
        new TopK(width, settings.temperature(), settings.normalize(), settings.normalize());
    long[] found = new long[Math.multiplyExact(points.rows(), width)];
    for (int from = 0; from < points.rows(); from += ROWS_AT_ONCE) {
      int[] rows = IntStream.range(from, Math.min(points.rows(), from + ROWS_AT_ONCE)).toArray();
      float[] vectors = new float[rows.length * settings.dimension()];
      model.encoder().encode(points.features(), rows, vectors);
      try (Tensor x =
              Tensor.of(context.device(), DType.F32, vectors, rows.length, settings.dimension());
          TopKResult best = search.search(context, x, model.labels())) {
        System.arraycopy(best.idArray(), 0, found, from * width, rows.length * width);
      }
    }
    return found;
  }
}
