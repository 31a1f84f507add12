package org.lossmith.cli.train;

import java.util.LinkedHashMap;
import java.util.Map;

/**
 * The hyperparameters of a training.
 *
 * @param loss which loss
 * @param update how the labels' vectors are stepped
 * @param epochs passes over the examples
 * @param batch examples in a step
 * @param dimension length of the vectors
 * @param temperature divides the scores
 * @param normalize whether scores are cosines, otherwise inner products
 * @param rate step size of the encoder's Adagrad
 * @param labelRate step size of the labels' rule
 * @param k soft top-k: how many labels are to be on top; 0: as many as the point has
 * @param alpha soft top-k: steepness
 * @param sample positives drawn for each point in each step, 0: all
 * @param labelSmoothing softmax: share of the target that is spread evenly
 * @param seed seed of the start, the order and the draws
 */
public record TrainSettings(
    LossKind loss,
    UpdateKind update,
    int epochs,
    int batch,
    int dimension,
    double temperature,
    boolean normalize,
    double rate,
    double labelRate,
    long k,
    double alpha,
    long sample,
    double labelSmoothing,
    long seed) {

  /**
   * Everything that a training must share with the one that it continues, by flag: all but the
   * number of epochs.
   */
  Map<String, String> identity() {
    Map<String, String> identity = new LinkedHashMap<>();
    identity.put("--loss", loss.toString());
    identity.put("--update", update.toString());
    identity.put("--batch", Integer.toString(batch));
    identity.put("--dimension", Integer.toString(dimension));
    identity.put("--temperature", Double.toString(temperature));
    identity.put("--inner-products", Boolean.toString(!normalize));
    identity.put("--rate", Double.toString(rate));
    identity.put("--label-rate", Double.toString(labelRate));
    identity.put("--k", Long.toString(k));
    identity.put("--alpha", Double.toString(alpha));
    identity.put("--sample", Long.toString(sample));
    identity.put("--label-smoothing", Double.toString(labelSmoothing));
    identity.put("--seed", Long.toString(seed));
    return identity;
  }
}
