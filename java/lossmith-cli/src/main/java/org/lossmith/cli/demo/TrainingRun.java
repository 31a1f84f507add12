package org.lossmith.cli.demo;

import java.util.List;
import org.lossmith.Plan;

/**
 * A finished training.
 *
 * @param name what the loss is called
 * @param epochs the state before training and after each epoch
 * @param encoder the trained encoder
 * @param plan what the library did about the N x N scores
 * @param workspaceBytes the memory it took beside inputs and outputs
 */
record TrainingRun(
    String name, List<Epoch> epochs, NGramEncoder encoder, Plan plan, long workspaceBytes) {
  /** The state after the last epoch. */
  Epoch last() {
    return epochs.get(epochs.size() - 1);
  }

  /** Median seconds of an epoch. */
  double secondsPerEpoch() {
    double[] seconds = epochs.stream().skip(1).mapToDouble(Epoch::seconds).sorted().toArray();
    return seconds[seconds.length / 2];
  }
}
