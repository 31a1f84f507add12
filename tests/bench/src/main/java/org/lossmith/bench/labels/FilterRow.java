package org.lossmith.bench.labels;

import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.SplittableRandom;
import org.lossmith.Context;
import org.lossmith.LabelInputs;
import org.lossmith.LossResult;
import org.lossmith.SoftmaxCrossEntropy;
import org.lossmith.Tensor;
import org.lossmith.Update;
import org.lossmith.bench.Row;
import org.lossmith.bench.Session;
import org.lossmith.bench.measure.Contest;
import org.lossmith.bench.measure.Contestant;
import org.lossmith.bench.measure.Samples;
import org.lossmith.bench.report.Verdict;

/**
 * What the gradient filter saves, and what it costs in accuracy, on a table of labels as it is
 * before training and after. Labels are as frequent as words are (the j-th with probability
 * proportional to 1/j); a query is its label's hidden direction with noise. Training goes through
 * the queries until they are known by heart: then few coefficients are left that matter.
 */
public final class FilterRow implements Row {
  private static final String NAME = "labels-filter";
  private static final int ROWS = 512;
  private static final int LABELS = 131072;
  private static final int LABELS_QUICK = 16384;
  private static final int WIDTH = 128;
  private static final int BATCHES = 4;
  private static final int EPOCHS = 6;
  private static final double LEARNING_RATE = 10;
  private static final double NOISE = 0.5;
  private static final int ROUNDS = 5;

  /** The threshold of the paper: what bf16 rounds away beside 1. */
  private static final double FILTER = 0x1p-12;

  @Override
  public String name() {
    return NAME;
  }

  @Override
  public String title() {
    return "gradient filter on a random and on a trained table, " + ROWS + "x" + LABELS;
  }

  @Override
  public int seconds(boolean quick) {
    return quick ? 10 : 60;
  }

  @Override
  public void run(Session session) {
    int l = session.quick() ? LABELS_QUICK : LABELS;
    session.progress().expect(1 + 2 * (1 + 2 * ROUNDS));
    LabelProblem start = new LabelProblem(1, l, WIDTH, session.seed());
    Queries queries = new Queries(l, session.seed() + 1);
    Map<String, Object> losses = new LinkedHashMap<>();
    try (Context context = Context.builder().threads(session.threads()).build();
        Tensor labels = LossmithLabels.table(start)) {
      losses.put("random", compare(session, context, labels, queries, "random table"));
      session.progress().step("training");
      train(context, labels, queries);
      losses.put("trained", compare(session, context, labels, queries, "trained table"));
    }
    session.report().getDetails().put(NAME, Map.of("filter", FILTER, "loss", losses));
  }

  private static void train(Context context, Tensor labels, Queries queries) {
    Update update = Update.sgd(LEARNING_RATE);
    for (int step = 1; step <= BATCHES * EPOCHS; step++) {
      queries.next();
      try (Tensor x = Tensor.of(queries.x, ROWS, WIDTH);
          Tensor target = Tensor.of(queries.target, ROWS)) {
        loss()
            .evaluateAndUpdate(context, LabelInputs.of(x, labels, target), update, null, step)
            .close();
      }
    }
  }

  private static SoftmaxCrossEntropy loss() {
    return SoftmaxCrossEntropy.of(LabelKind.TEMPERATURE);
  }

  /** Reports speed-up, share of skipped tiles and error; returns the loss. */
  private static double compare(
      Session session, Context context, Tensor labels, Queries queries, String table) {
    queries.next();
    SoftmaxCrossEntropy exact = loss();
    SoftmaxCrossEntropy filtered = exact.withScoring(exact.scoring().withFilter(FILTER));
    try (Tensor x = Tensor.of(queries.x, ROWS, WIDTH);
        Tensor target = Tensor.of(queries.target, ROWS)) {
      LabelInputs inputs = LabelInputs.of(x, labels, target);
      try (LossResult whole = exact.result(inputs, "x", "labels");
          LossResult part = filtered.result(inputs, "x", "labels")) {
        session.progress().step("error on the " + table);
        exact.evaluate(context, inputs, whole);
        filtered.evaluate(context, inputs, part);
        Contest contest = new Contest();
        contest.add(Contestant.timed("exact", () -> exact.evaluate(context, inputs, whole)));
        contest.add(Contestant.timed("filtered", () -> filtered.evaluate(context, inputs, part)));
        Map<String, Samples> times = contest.run(0, ROUNDS, session.progress()::step);
        session.add(
            Verdict.info(
                NAME,
                table + ": exact / filtered",
                times.get("exact").over(times.get("filtered"))));
        add(session, table + ": share of skipped tiles", skipped(labels, queries));
        add(
            session,
            table + ": relative error of the queries' gradient",
            distance(part.gradient("x"), whole.gradient("x")));
        add(
            session,
            table + ": relative error of the labels' gradient",
            distance(part.gradient("labels"), whole.gradient("labels")));
        return whole.loss();
      }
    }
  }

  private static void add(Session session, String name, double value) {
    session.add(Verdict.info(NAME, name, new Samples(value)));
  }

  private static double skipped(Tensor labels, Queries queries) {
    return FilterTiles.skipped(
        queries.x, queries.target, labels.toFloatArray(), WIDTH, LabelKind.TEMPERATURE, FILTER);
  }

  private static double distance(Tensor a, Tensor b) {
    float[] x = a.toFloatArray();
    float[] y = b.toFloatArray();
    double difference = 0;
    double norm = 0;
    for (int i = 0; i < x.length; i++) {
      difference += ((double) x[i] - y[i]) * ((double) x[i] - y[i]);
      norm += (double) y[i] * y[i];
    }
    return Math.sqrt(difference / norm);
  }

  /** Batches of queries and their labels, the same ones again and again. */
  private static final class Queries {
    private final float[][] queries = new float[BATCHES][ROWS * WIDTH];
    private final long[][] targets = new long[BATCHES][ROWS];
    private int batch;
    private float[] x;
    private long[] target;

    Queries(int labels, long seed) {
      double[] cumulative = new double[labels];
      double sum = 0;
      for (int j = 0; j < labels; j++) {
        sum += 1.0 / (j + 1);
        cumulative[j] = sum;
      }
      SplittableRandom random = new SplittableRandom(seed);
      for (int b = 0; b < BATCHES; b++) {
        for (int i = 0; i < ROWS; i++) {
          int found = Arrays.binarySearch(cumulative, random.nextDouble() * sum);
          int label = Math.min(found < 0 ? -1 - found : found, labels - 1);
          targets[b][i] = label;
          fill(queries[b], i, new SplittableRandom(seed + 0x2545f4914f6cdd1dL * label), random);
        }
      }
    }

    private static void fill(float[] to, int i, SplittableRandom hidden, SplittableRandom noise) {
      double bound = Math.sqrt(3.0 / WIDTH);
      for (int k = 0; k < WIDTH; k++) {
        double direction = hidden.nextDouble(-bound, bound);
        to[i * WIDTH + k] = (float) (direction + NOISE * noise.nextDouble(-bound, bound));
      }
    }

    void next() {
      x = queries[batch];
      target = targets[batch];
      batch = (batch + 1) % BATCHES;
    }
  }
}
