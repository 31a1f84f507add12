package org.lossmith.cli.eval;

import java.util.Map;
import java.util.Set;
import org.lossmith.Tensor;

/**
 * What the user asks of an operation.
 *
 * @param tensors the inputs given, by name
 * @param sets the sets of labels given, by the name of the input
 * @param parameters the value of every hyperparameter, by name
 * @param given the names of the hyperparameters that the user named
 * @param gradients the names of the gradients wanted
 * @param outputs the names of the further outputs wanted
 * @param rowLoss whether the losses of the rows are wanted
 */
record Call(
    Map<String, Tensor> tensors,
    Map<String, LabelledSets> sets,
    Map<String, Object> parameters,
    Set<String> given,
    Set<String> gradients,
    Set<String> outputs,
    boolean rowLoss) {
  /** The input of this name, or null where it was not given. */
  Tensor tensor(String name) {
    return tensors.get(name);
  }

  /** The sets of labels of this name, or null where they were not given. */
  LabelledSets sets(String name) {
    return sets.get(name);
  }

  double real(String name) {
    return (Double) parameters.get(name);
  }

  long whole(String name) {
    return (Long) parameters.get(name);
  }

  boolean isSet(String name) {
    return (Boolean) parameters.get(name);
  }

  <E extends Enum<E>> E choice(String name, Class<E> type) {
    return type.cast(parameters.get(name));
  }
}
