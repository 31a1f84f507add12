package org.lossmith.cli.demo;

import java.util.List;
import org.lossmith.Plan;
import org.lossmith.cli.encoder.BagEncoder;

/**
 * A finished training.
 *
 * @param name what the loss is called
 * @param epochs its epochs
 * @param checkpoints the scores before the training, early in it, and after each epoch
 * @param encoder the trained encoder
 * @param plan what the library did about the N x N scores
 * @param workspaceBytes the memory it took beside inputs and outputs
 */
record TrainingRun(
    String name,
    List<Epoch> epochs,
    List<Checkpoint> checkpoints,
    BagEncoder encoder,
    Plan plan,
    long workspaceBytes) {
  /** The scores after the last epoch. */
  Checkpoint last() {
    return checkpoints.get(checkpoints.size() - 1);
  }

  /** Median seconds of an epoch. */
  double secondsPerEpoch() {
    return median(epochs.stream().mapToDouble(Epoch::seconds).sorted().toArray());
  }

  /** Median seconds of an epoch that loss and gradient took. */
  double lossSecondsPerEpoch() {
    return median(epochs.stream().mapToDouble(Epoch::lossSeconds).sorted().toArray());
  }

  private static double median(double[] sorted) {
    return sorted[sorted.length / 2];
  }
}
