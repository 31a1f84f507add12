package org.lossmith.cli.train;

import java.util.ArrayList;
import java.util.List;

/**
 * How far a training is. The order of the examples in an epoch and the draws in a step follow from
 * the seed and these numbers: there is no other random state.
 */
final class TrainState {
  /** Epochs that are done. */
  int epoch;

  /** Steps that are done in the epoch after those. */
  int position;

  /** Sum of the losses of these steps. */
  double lossSum;

  /** Steps that are done in all. */
  long step;

  /** The mean loss of each epoch that is done. */
  final List<Double> losses = new ArrayList<>();
}
