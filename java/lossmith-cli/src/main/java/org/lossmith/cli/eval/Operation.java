package org.lossmith.cli.eval;

import java.util.List;
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

  /**
   * Prepares a call; nothing is computed yet.
   *
   * @throws IllegalArgumentException if a hyperparameter or a shape is wrong
   */
  Evaluation prepare(Context context, Call call);
}
