package org.lossmith.cli.eval;

import java.util.Map;
import java.util.Set;
import org.lossmith.Tensor;

/**
 * What the user asks of an operation.
 *
 * @param tensors the inputs given, by name
 * @param parameters the value of every hyperparameter, by name
 * @param given the names of the hyperparameters that the user named
 * @param gradients the names of the gradients wanted
 * @param rowLoss whether the losses of the rows are wanted
 */
record Call(
    Map<String, Tensor> tensors,
    Map<String, Object> parameters,
    Set<String> given,
    Set<String> gradients,
    boolean rowLoss) {
  /** The input of this name, or null where it was not given. */
  Tensor tensor(String name) {
    return tensors.get(name);
  }

  double real(String name) {
    return (Double) parameters.get(name);
  }

  boolean isSet(String name) {
    return (Boolean) parameters.get(name);
  }

  <E extends Enum<E>> E choice(String name, Class<E> type) {
    return type.cast(parameters.get(name));
  }
}
