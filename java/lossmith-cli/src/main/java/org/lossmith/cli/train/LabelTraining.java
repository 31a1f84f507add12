package org.lossmith.cli.train;

import java.util.List;
import java.util.SplittableRandom;
import java.util.stream.IntStream;
import org.lossmith.Context;
import org.lossmith.DType;
import org.lossmith.Device;
import org.lossmith.LabelInputs;
import org.lossmith.LabelLoss;
import org.lossmith.LabelSets;
import org.lossmith.LossResult;
import org.lossmith.Tensor;
import org.lossmith.Update;
import org.lossmith.cli.data.Examples;

/**
 * Trains a model step by step. A step encodes some points, lets the library compute the loss, its
 * gradient by the points' vectors, and the step of the labels' vectors in the same pass, and
 * scatters the gradient into the encoder's table. Points without labels take no part. The same seed
 * gives the same bits, whatever the number of threads, and wherever the training was interrupted.
 */
public final class LabelTraining {
  private static final double NANOS = 1e-9;

  private final Examples examples;
  private final TrainSettings settings;
  private final LabelModel model;
  private final Context context;
  private final Update update;

  /** What an epoch goes through: entries of the examples' labels, or rows. */
  private final int[] items;

  private final int[] order;
  private int orderedEpoch = -1;

  private final TrainState state = new TrainState();
  private double lossSeconds;

  /** Prepares a training; the model and the context are the caller's to close. */
  public LabelTraining(
      Examples examples, TrainSettings settings, LabelModel model, Context context) {
    this.examples = examples;
    this.settings = settings;
    this.model = model;
    this.context = context;
    update = settings.update().update(settings.labelRate());
    items =
        settings.loss().singleTarget()
            ? IntStream.range(0, examples.labels().length).toArray()
            : IntStream.range(0, examples.rows()).filter(r -> examples.count(r) > 0).toArray();
    order = new int[items.length];
  }

  /** Number of examples that an epoch goes through: points, or (point, label) pairs. */
  public int items() {
    return items.length;
  }

  /** Steps of an epoch. */
  public int steps() {
    return (int) ((items.length + settings.batch() - 1L) / settings.batch());
  }

  /** How far the training is. */
  TrainState state() {
    return state;
  }

  /** The mean loss of each epoch that is done. */
  public List<Double> losses() {
    return List.copyOf(state.losses);
  }

  /** Seconds that loss, gradient and the step of the labels took, in this process. */
  public double lossSeconds() {
    return lossSeconds;
  }

  /** Whether all epochs are done. */
  public boolean done() {
    return state.epoch >= settings.epochs();
  }

  /** Takes one step; returns whether it was the last of its epoch. */
  public boolean step() {
    if (orderedEpoch != state.epoch) {
      shuffle(state.epoch);
    }
    int from = state.position * settings.batch();
    int size = Math.min(settings.batch(), order.length - from);
    state.lossSum += learn(from, size);
    state.step++;
    state.position++;
    if (state.position < steps()) {
      return false;
    }
    state.losses.add(state.lossSum / steps());
    state.lossSum = 0;
    state.position = 0;
    state.epoch++;
    return true;
  }

  /** The order of an epoch follows from the seed and its number alone. */
  private void shuffle(int epoch) {
    System.arraycopy(items, 0, order, 0, items.length);
    SplittableRandom random = new SplittableRandom(mixed(settings.seed(), epoch));
    for (int i = order.length - 1; i > 0; i--) {
      int j = random.nextInt(i + 1);
      int swapped = order[i];
      order[i] = order[j];
      order[j] = swapped;
    }
    orderedEpoch = epoch;
  }

  private double learn(int from, int size) {
    int[] rows = new int[size];
    long[] targets = new long[size];
    for (int i = 0; i < size; i++) {
      int item = order[from + i];
      rows[i] = settings.loss().singleTarget() ? rowOf(item) : item;
      targets[i] = settings.loss().singleTarget() ? examples.labels()[item] : -1;
    }
    float[] vectors = new float[size * settings.dimension()];
    model.encoder().encode(examples.features(), rows, vectors);
    long start = System.nanoTime();
    double loss = evaluate(rows, targets, vectors);
    lossSeconds += NANOS * (System.nanoTime() - start);
    model.encoder().learn(examples.features(), rows, vectors, settings.rate());
    return loss;
  }

  /** Computes the loss, steps the labels and leaves the gradient in the place of the vectors. */
  private double evaluate(int[] rows, long[] targets, float[] vectors) {
    Device device = context.device();
    LabelLoss loss = settings.loss().loss(settings, mixed(settings.seed(), ~state.step));
    try (Tensor x = Tensor.of(device, DType.F32, vectors, rows.length, settings.dimension());
        LabelSets positives = settings.loss().singleTarget() ? null : examples.sets(device, rows);
        Tensor target = settings.loss().singleTarget() ? on(device, targets) : null) {
      LabelInputs inputs =
          target != null
              ? LabelInputs.of(x, model.labels(), target)
              : LabelInputs.of(x, model.labels(), positives);
      try (LossResult result =
          loss.evaluateAndUpdate(context, inputs, update, model.labelState(), state.step, "x")) {
        result.gradient("x").copyTo(vectors);
        return result.loss();
      }
    }
  }

  private static Tensor on(Device device, long[] values) {
    try (Tensor host = Tensor.of(values)) {
      return host.to(device);
    }
  }

  /** The row that an entry of the labels belongs to. */
  private int rowOf(int entry) {
    int low = 0;
    int high = examples.rows();
    while (high - low > 1) {
      int middle = (low + high) >>> 1;
      if (examples.offsets()[middle] <= entry) {
        low = middle;
      } else {
        high = middle;
      }
    }
    return low;
  }

  private static long mixed(long seed, long number) {
    return new SplittableRandom(seed + 0x9E3779B97F4A7C15L * number).nextLong();
  }
}
