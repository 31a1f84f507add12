package org.lossmith.cli.eval;

import java.util.Map;
import java.util.OptionalDouble;
import org.lossmith.Tensor;

/** A prepared call of an operation and, after it ran, its results. */
interface Evaluation extends AutoCloseable {
  /** Computes; may be called again and gives the same results. */
  void run();

  /** What the library will do, by name: for example the plan. */
  Map<String, Object> facts();

  /** The scalar, or empty where the reduction leaves none. */
  OptionalDouble loss();

  /** What was found beside a loss, by name: for example metrics. */
  default Map<String, Double> values() {
    return Map.of();
  }

  /** A gradient that the call asked for; closed with this object. */
  Tensor gradient(String name);

  /** The losses of the rows, if the call asked for them; closed with this object. */
  Tensor rowLoss();

  /** A further output that the call asked for; closed with this object. */
  Tensor output(String name);

  @Override
  void close();
}
