package org.lossmith.cli.demo;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Random;
import org.lossmith.Context;
import org.lossmith.ContrastiveInputs;
import org.lossmith.ContrastiveLoss;
import org.lossmith.Cwcl;
import org.lossmith.DType;
import org.lossmith.LossResult;
import org.lossmith.Plan;
import org.lossmith.Tensor;
import org.lossmith.cli.Progress;
import org.lossmith.cli.encoder.BagEncoder;

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
    BagEncoder encoder = new BagEncoder(settings.buckets(), settings.width(), settings.seed());
    Random random = new Random(settings.seed());
    int[] order = new int[data.pairNames().length];
    for (int i = 0; i < order.length; i++) {
      order[i] = i;
    }
    List<Epoch> epochs = new ArrayList<>();
    List<Checkpoint> checkpoints = new ArrayList<>(List.of(judged(0, encoder)));
    try (Context context = Context.builder().threads(settings.threads()).build();
        Batch batch = new Batch(loss, batch(), settings.width())) {
      for (int number = 1; number <= settings.epochs(); number++) {
        shuffle(order, random);
        epochs.add(epoch(number, order, encoder, context, batch, checkpoints, progress));
        progress.stage(told(name, epochs.get(number - 1), checkpoints.get(checkpoints.size() - 1)));
      }
      Plan plan = loss.plan(context, batch.inputs, "y").plan();
      long workspace = context.workspaceBytes();
      return new TrainingRun(name, epochs, checkpoints, encoder, plan, workspace);
    }
  }

  private Epoch epoch(
      int number,
      int[] order,
      BagEncoder encoder,
      Context context,
      Batch batch,
      List<Checkpoint> checkpoints,
      Progress progress) {
    double sum = 0;
    double seconds = 0;
    double lossSeconds = 0;
    for (int step = 1; step <= steps(); step++) {
      long start = System.nanoTime();
      int[] rows = batch.gather(data, order, (step - 1) * batch());
      encoder.encode(data.training(), rows, batch.names);
      long before = System.nanoTime();
      sum += batch.evaluate(context);
      lossSeconds += NANOS * (System.nanoTime() - before);
      encoder.learn(data.training(), rows, batch.names, settings.rate());
      seconds += NANOS * (System.nanoTime() - start);
      // Most is learnt in the first steps: look after 1, 2, 4, 8, ... of them.
      if (step == steps() || number == 1 && Integer.bitCount(step) == 1) {
        checkpoints.add(judged((number - 1) * steps() + step, encoder));
      }
      progress.step();
    }
    return new Epoch(number, sum / steps(), seconds, lossSeconds);
  }

  private String told(String loss, Epoch epoch, Checkpoint checkpoint) {
    return String.format(
        Locale.ROOT,
        "%s %d/%d  loss %.4f  P@1 %.1f%% / %.1f%%",
        loss,
        epoch.number(),
        settings.epochs(),
        epoch.loss(),
        100 * checkpoint.heldOut().precisionAt1(),
        100 * checkpoint.zeroShot().precisionAt1());
  }

  private Checkpoint judged(int step, BagEncoder encoder) {
    return new Checkpoint(
        step,
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

    /** Takes the pairs from a place of the order on; returns the rows of their names. */
    int[] gather(DemoData data, int[] order, int from) {
      int[] rows = new int[names.length / width];
      for (int i = 0; i < rows.length; i++) {
        int pair = order[from + i];
        rows[i] = data.pairNames()[pair];
        int entity = data.pairEntities()[pair];
        System.arraycopy(data.english(), entity * width, english, i * width, width);
      }
      return rows;
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
