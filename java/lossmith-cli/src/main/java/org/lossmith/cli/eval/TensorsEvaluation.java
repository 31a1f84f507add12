package org.lossmith.cli.eval;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.OptionalDouble;
import org.lossmith.Tensor;

/** An evaluation without a loss, whose results are tensors. */
abstract class TensorsEvaluation implements Evaluation {
  private static final String GRADIENT = "grad_";

  private final Map<String, Tensor> results = new LinkedHashMap<>();

  /** Keeps a result, which this object closes, under the name of its output. */
  final Tensor result(String name, Tensor tensor) {
    results.put(name, tensor);
    return tensor;
  }

  /** Keeps the gradient of an input. */
  final Tensor gradientOf(String name, Tensor tensor) {
    return result(GRADIENT + name, tensor);
  }

  @Override
  public final Tensor gradient(String name) {
    return output(GRADIENT + name);
  }

  @Override
  public final Tensor output(String name) {
    Tensor tensor = results.get(name);
    if (tensor == null) {
      throw new IllegalArgumentException(
          "output: expected one of " + results.keySet() + ", got " + name);
    }
    return tensor;
  }

  @Override
  public Map<String, Object> facts() {
    return Map.of();
  }

  @Override
  public final OptionalDouble loss() {
    return OptionalDouble.empty();
  }

  @Override
  public final Tensor rowLoss() {
    throw new IllegalArgumentException("rowLoss: expected none, got a request");
  }

  @Override
  public void close() {
    results.values().forEach(Tensor::close);
  }
}
