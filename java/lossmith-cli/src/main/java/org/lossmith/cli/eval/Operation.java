package org.lossmith.cli.eval;

import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import org.lossmith.Context;

/**
 * An operation that {@code eval} offers. It declares its inputs, hyperparameters and gradients; the
 * command makes flags and help of them. A new operation is one class and its line in {@link
 * Operations}.
 */
interface Operation {
  /** The word after {@code eval}. */
  String name();

  /** What it computes, in one line. */
  String summary();

  /** The formula, in a few lines for the help. */
  List<String> formula();

  /** The inputs, in the order of the help. */
  List<Input> inputs();

  /** The hyperparameters, in the order of the help. */
  List<Parameter<?>> parameters();

  /** What gradients there are, each written by {@code --grad-NAME}. */
  List<String> gradients();

  /** Whether there is a loss to print, and losses of the rows to write. */
  default boolean hasLoss() {
    return true;
  }

  /** Further outputs, each written by a flag of its name, with one line for the help. */
  default Map<String, String> outputs() {
    return Map.of();
  }

  /** The flags that the shortest call has. */
  default String synopsis() {
    return inputs().stream()
        .filter(Input::required)
        .map(i -> i.flag() + " FILE")
        .collect(Collectors.joining(" "));
  }

  /**
   * What the command line calls an argument of the library.
   *
   * @param name its name in the C header
   * @param given the inputs that were given
   */
  default String argument(String name, Set<String> given) {
    return name;
  }

  /**
   * Prepares a call; nothing is computed yet.
   *
   * @throws IllegalArgumentException if a hyperparameter or a shape is wrong
   */
  Evaluation prepare(Context context, Call call);
}
