package org.lossmith.cli.demo;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.lossmith.Context;
import org.lossmith.ContrastiveInputs;
import org.lossmith.ContrastiveLoss;
import org.lossmith.Cwcl;
import org.lossmith.DType;
import org.lossmith.LossResult;
import org.lossmith.Plan;
import org.lossmith.Tensor;

/**
 * Trains an encoder with one loss. A step gathers N pairs, lets the library compute the loss and
 * its gradient by the names' vectors, and scatters the gradient into the encoder's table.
 */
final class Training {
  private static final double NANOS = 1e-9;

  private final DemoData data;
  private final DemoSettings settings;
  private final Retrieval retrieval;

  Training(DemoData data, DemoSettings settings) {
    this.data = data;
    this.settings = settings;
    retrieval = new Retrieval(data.english(), settings.width());
  }

  /** Steps of an epoch; the pairs left over by the last full batch wait for the next epoch. */
  int steps() {
    return data.pairNames().length / batch();
  }

  /** Pairs in a step. */
  int batch() {
    return Math.min(settings.batch(), data.pairNames().length);
  }

  /**
   * Trains.
   *
   * @param name what to call the loss
   * @param loss the loss; x is modality U, y is modality V
   */
  TrainingRun run(String name, ContrastiveLoss loss, Progress progress) {
    NGramEncoder encoder = new NGramEncoder(settings.buckets(), settings.width(), settings.seed());
    Random random = new Random(settings.seed());
    int[] order = new int[data.pairNames().length];
    for (int i = 0; i < order.length; i++) {
      order[i] = i;
    }
    List<Epoch> epochs = new ArrayList<>();
    epochs.add(judged(0, Double.NaN, 0, 0, encoder));
    try (Context context = Context.builder().threads(settings.threads()).build();
        Batch batch = new Batch(loss, batch(), settings.width())) {
      for (int number = 1; number <= settings.epochs(); number++) {
        shuffle(order, random);
        Epoch epoch = epoch(number, order, encoder, context, batch, progress);
        epochs.add(epoch);
        progress.epoch(name, epoch, settings.epochs());
      }
      Plan plan = loss.plan(context, batch.inputs, "y").plan();
      return new TrainingRun(name, epochs, encoder, plan, context.workspaceBytes());
    }
  }

  private Epoch epoch(
      int number, int[] order, NGramEncoder encoder, Context context, Batch batch, Progress p) {
    double sum = 0;
    double lossSeconds = 0;
    long start = System.nanoTime();
    for (int step = 0; step < steps(); step++) {
      int[] rows = new int[batch()];
      for (int i = 0; i < rows.length; i++) {
        int pair = order[step * rows.length + i];
        rows[i] = data.pairNames()[pair];
        batch.setEnglish(i, data.english(), data.pairEntities()[pair]);
      }
      encoder.encode(data.training(), rows, batch.names);
      long before = System.nanoTime();
      sum += batch.evaluate(context);
      lossSeconds += NANOS * (System.nanoTime() - before);
      encoder.learn(data.training(), rows, batch.names, settings.rate());
      p.step();
    }
    double seconds = NANOS * (System.nanoTime() - start);
    return judged(number, sum / steps(), seconds, lossSeconds, encoder);
  }

  private Epoch judged(
      int number, double loss, double seconds, double lossSeconds, NGramEncoder encoder) {
    return new Epoch(
        number,
        loss,
        seconds,
        lossSeconds,
        retrieval.score(encoder, data.heldOut(), data.split().heldOut()),
        retrieval.score(encoder, data.zeroShot(), data.split().zeroShot()));
  }

  private static void shuffle(int[] order, Random random) {
    for (int i = order.length - 1; i > 0; i--) {
      int j = random.nextInt(i + 1);
      int swapped = order[i];
      order[i] = order[j];
      order[j] = swapped;
    }
  }

  /** The tensors of a step, made once. */
  private static final class Batch implements AutoCloseable {
    /** The names' vectors; after {@link #evaluate} the gradient by them. */
    final float[] names;

    final ContrastiveInputs inputs;
    private final int width;
    private final float[] english;
    private final Tensor x;
    private final Tensor y;
    private final ContrastiveLoss loss;
    private final LossResult result;

    Batch(ContrastiveLoss loss, int size, int width) {
      this.loss = loss;
      this.width = width;
      names = new float[size * width];
      english = new float[size * width];
      x = Tensor.zeros(DType.F32, size, width);
      y = Tensor.zeros(DType.F32, size, width);
      ContrastiveInputs pair = ContrastiveInputs.of(x, y);
      inputs = loss instanceof Cwcl ? pair.reference(x) : pair;
      result = loss.result(inputs, "y");
    }

    void setEnglish(int row, float[] vectors, int entity) {
      System.arraycopy(vectors, entity * width, english, row * width, width);
    }

    double evaluate(Context context) {
      x.copyFrom(english);
      y.copyFrom(names);
      loss.evaluate(context, inputs, result);
      result.gradient("y").copyTo(names);
      return result.loss();
    }

    @Override
    public void close() {
      result.close();
      y.close();
      x.close();
    }
  }
}
