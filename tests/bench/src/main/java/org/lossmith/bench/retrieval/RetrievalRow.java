package org.lossmith.bench.retrieval;

import java.util.HashMap;
import java.util.Map;
import java.util.SplittableRandom;
import org.lossmith.Context;
import org.lossmith.DType;
import org.lossmith.Tensor;
import org.lossmith.TopK;
import org.lossmith.TopKInputs;
import org.lossmith.TopKResult;
import org.lossmith.bench.Row;
import org.lossmith.bench.Session;
import org.lossmith.bench.measure.Contest;
import org.lossmith.bench.measure.Contestant;
import org.lossmith.bench.measure.Samples;
import org.lossmith.bench.report.Verdict;

/**
 * The hundred best of a million labels, f32, against the product of the scores alone at the rate of
 * the block of labels that oneDNN runs fastest.
 */
public final class RetrievalRow implements Row {
  private static final String NAME = "retrieval";
  private static final String OURS = "lossmith";
  private static final String FLOOR = "floor";
  private static final int QUERIES = 512;
  private static final int LABELS = 1_000_000;
  private static final int LABELS_QUICK = 50_000;
  private static final int K = 100;
  private static final int[] WIDTHS = {64, 256};
  private static final int ROUNDS = 5;
  private static final double MOST_OVER_PRODUCT = 1.3;

  /** Rows that are filled and checked at once. */
  private static final int CHUNK = 10_000;

  /** Largest difference of a score in f32 from one in double precision. */
  private static final double ERROR = 1e-5;

  /** Labels of a product of the floor, from scores that fit a cache to scores that do not. */
  private static final long[] BLOCKS = {1024, 4096, 16384, 65536};

  @Override
  public String name() {
    return NAME;
  }

  @Override
  public String title() {
    return "top-" + K + " of " + LABELS + " labels against the product alone, f32";
  }

  @Override
  public int seconds(boolean quick) {
    return quick ? 5 : 60;
  }

  @Override
  public void run(Session session) {
    session.progress().expect(WIDTHS.length * (1 + 2 * (1 + ROUNDS)));
    for (int width : WIDTHS) {
      run(session, session.quick() ? LABELS_QUICK : LABELS, width);
    }
  }

  private static void run(Session session, int l, int d) {
    String size = QUERIES + " x " + l + " x " + d;
    TopK search = TopK.of(K);
    try (Context context = Context.builder().threads(session.threads()).build();
        Tensor x = random(QUERIES, d, session.seed());
        Tensor labels = random(l, d, session.seed() + 1)) {
      TopKInputs inputs = TopKInputs.of(x, labels);
      try (TopKResult result = search.result(inputs)) {
        session.progress().step("check of " + size);
        search.search(context, inputs, result);
        check(x, labels, result);
        Contest contest = new Contest();
        contest.add(Contestant.timed(OURS, () -> search.search(context, inputs, result)));
        contest.add(floor(context, 2.0 * QUERIES * l * d, d));
        Map<String, Samples> times = contest.run(1, ROUNDS, session.progress()::step);
        session.add(Verdict.info(NAME, "seconds, " + size, times.get(OURS)));
        session.add(
            Verdict.atMost(
                NAME,
                "time over the product alone, " + size,
                times.get(OURS).over(times.get(FLOOR)),
                MOST_OVER_PRODUCT));
      }
    }
  }

  private static Contestant floor(Context context, double operations, int d) {
    return new Contestant() {
      @Override
      public String name() {
        return FLOOR;
      }

      @Override
      public double round() {
        double rate = 0;
        for (long block : BLOCKS) {
          int repeats = (int) (2e9 / (2.0 * QUERIES * block * d)) | 1;
          rate = Math.max(rate, context.measureGemm(DType.F32, QUERIES, block, d, repeats));
        }
        return operations / rate;
      }
    };
  }

  /** The last query's labels, against a pass over all scores in double precision. */
  private static void check(Tensor x, Tensor labels, TopKResult result) {
    int d = (int) x.size(1);
    long[] ids = result.idArray();
    float[] scores = result.scores().toFloatArray();
    Map<Long, Float> found = new HashMap<>();
    for (int r = (QUERIES - 1) * K; r < QUERIES * K; r++) {
      found.put(ids[r], scores[r]);
    }
    double least = scores[QUERIES * K - 1];
    float[] query = rows(x, QUERIES - 1, QUERIES);
    for (long begin = 0; begin < labels.size(0); begin += CHUNK) {
      float[] block = rows(labels, begin, Math.min(begin + CHUNK, labels.size(0)));
      for (int j = 0; j < block.length / d; j++) {
        double score = 0;
        for (int c = 0; c < d; c++) {
          score += (double) query[c] * block[j * d + c];
        }
        Float ours = found.remove(begin + j);
        boolean right = ours == null ? score <= least + ERROR : Math.abs(score - ours) <= ERROR;
        if (!right) {
          throw new IllegalStateException(
              "label " + (begin + j) + ": expected score " + score + ", got " + ours);
        }
      }
    }
    if (!found.isEmpty()) {
      throw new IllegalStateException("labels: expected each once, got also " + found.keySet());
    }
  }

  private static float[] rows(Tensor matrix, long from, long to) {
    try (Tensor rows = matrix.rows(from, to)) {
      return rows.toFloatArray();
    }
  }

  private static Tensor random(int rows, int d, long seed) {
    SplittableRandom random = new SplittableRandom(seed);
    Tensor matrix = Tensor.zeros(DType.F32, rows, d);
    for (int from = 0; from < rows; from += CHUNK) {
      int to = Math.min(from + CHUNK, rows);
      float[] values = new float[(to - from) * d];
      for (int i = 0; i < values.length; i++) {
        values[i] = (float) ((random.nextDouble() - 0.5) / Math.sqrt(d));
      }
      try (Tensor part = matrix.rows(from, to)) {
        part.copyFrom(values);
      }
    }
    return matrix;
  }
}
