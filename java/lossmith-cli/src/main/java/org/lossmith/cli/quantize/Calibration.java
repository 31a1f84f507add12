package org.lossmith.cli.quantize;

import ai.onnx.proto.OnnxMl.GraphProto;
import ai.onnx.proto.OnnxMl.TypeProto;
import ai.onnx.proto.OnnxMl.ValueInfoProto;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.lossmith.Context;
import org.lossmith.DType;
import org.lossmith.Tensor;
import org.lossmith.cli.FailureException;
import org.lossmith.cli.npy.NpyFiles;
import org.lossmith.cli.onnx.OnnxModel;
import org.lossmith.cli.onnx.OnnxType;
import org.lossmith.cli.quantize.FloatModel.Values;

/**
 * Runs the float model on inputs and keeps, for each layer, second moments of what it sees. The
 * last fifth of the inputs is held out: nothing is learned from it. Layers are taken in groups
 * whose moments fit a budget; the model runs once for each group.
 */
final class Calibration implements AutoCloseable {
  private static final long BUDGET_BYTES = 1L << 30;

  /** The version that the manifest of the jar looks for in lib/. */
  private static final String RUNTIME_VERSION = "1.23.2";

  private static final int BATCH = 32;
  private static final int HELD_OUT_SHARE = 5;

  /** Rows of inputs that a convolution learns from, about. */
  private static final int ROWS = 1 << 15;

  private static final int LEAST_POSITIONS = 16;

  private final Context context;
  private final OnnxModel model;
  private final Tensor data;
  private final int threads;
  private final String input;
  private final int batch;
  private final int learned;
  private final Map<Layer, LayerInput> waiting = new LinkedHashMap<>();
  private final Map<Layer, LayerMoments> ready = new LinkedHashMap<>();

  private Calibration(Context context, OnnxLayers layers, Path file, Tensor data, int threads) {
    this.context = context;
    this.data = data;
    this.threads = threads;
    model = layers.model();
    ValueInfoProto value = onlyInput(file);
    input = value.getName();
    TypeProto.Tensor type = value.getType().getTensorType();
    long first = type.getShape().getDimCount() > 0 ? type.getShape().getDim(0).getDimValue() : 0;
    int count = Math.toIntExact(data.size(0));
    batch = first > 0 ? Math.toIntExact(first) : Math.min(BATCH, count);
    if (count < batch) {
      throw new FailureException(
          String.format(
              "--calibration %s: expected at least %d inputs, the batch of the model, got %d",
              file, batch, count));
    }
    int rest = count / HELD_OUT_SHARE;
    learned = count - rest >= batch ? count - rest : count;
  }

  /**
   * Reads inputs.
   *
   * @param layers the model
   * @param chosen layers to calibrate; those that cannot be are left out
   * @param file the inputs, a .npy file of the shape that the model takes
   */
  static Calibration of(
      Context context, OnnxLayers layers, List<Layer> chosen, Path file, int threads) {
    requireRuntime();
    Tensor data = read(file);
    try {
      Calibration calibration = new Calibration(context, layers, file, data, threads);
      for (Layer layer : chosen) {
        LayerInput.of(layers.weight(layer))
            .ifPresent(found -> calibration.waiting.put(layer, found));
      }
      return calibration;
    } catch (RuntimeException e) {
      data.close();
      throw e;
    }
  }

  private static void requireRuntime() {
    try {
      Class.forName("ai.onnxruntime.OrtEnvironment", false, Calibration.class.getClassLoader());
    } catch (ClassNotFoundException e) {
      throw new FailureException(
          "--calibration: expected ONNX Runtime to run the model, got none; ./lossmith quantize"
              + " fetches it, or 'mvn dependency:copy -Dartifact=com.microsoft.onnxruntime"
              + ":onnxruntime:"
              + RUNTIME_VERSION
              + " -DoutputDirectory=lib' beside the jar",
          e);
    }
  }

  private static Tensor read(Path file) {
    Tensor stored;
    try {
      stored = NpyFiles.read(file);
    } catch (FailureException e) {
      throw new FailureException("--calibration " + e.getMessage(), e);
    }
    try (stored) {
      if (stored.rank() < 1 || stored.size(0) < 1 || isInteger(stored.dtype())) {
        throw new FailureException(
            String.format(
                "--calibration %s: expected inputs of floating-point numbers, got %s of shape %s",
                file, stored.dtype(), Arrays.toString(stored.shape())));
      }
      return stored.to(DType.F32);
    }
  }

  private static boolean isInteger(DType type) {
    return Set.of(DType.U8, DType.I8, DType.I32, DType.I64).contains(type);
  }

  private ValueInfoProto onlyInput(Path file) {
    GraphProto graph = model.proto().getGraph();
    Set<String> constants = new HashSet<>();
    graph.getInitializerList().forEach(t -> constants.add(t.getName()));
    List<ValueInfoProto> inputs =
        graph.getInputList().stream().filter(v -> !constants.contains(v.getName())).toList();
    if (inputs.size() != 1
        || inputs.get(0).getType().getTensorType().getElemType() != OnnxType.FLOAT.number()) {
      throw new FailureException(
          String.format(
              "--calibration %s: expected a model with one input of floats, got %s",
              file, inputs.stream().map(ValueInfoProto::getName).toList()));
    }
    return inputs.get(0);
  }

  /** The moments of a layer, until another one is asked for; null if it cannot be calibrated. */
  LayerMoments moments(Layer layer) {
    if (!ready.containsKey(layer) && waiting.containsKey(layer)) {
      closeReady();
      fill(layer);
    }
    return ready.get(layer);
  }

  /** Runs the model for a layer and those after it, as many as fit. */
  private void fill(Layer first) {
    boolean holdsOut = learned < data.size(0) && data.size(0) - learned >= batch;
    int samples = Math.max(LEAST_POSITIONS, ROWS / learned);
    Map<Layer, LayerInput> inputs = new LinkedHashMap<>();
    long bytes = 0;
    for (Map.Entry<Layer, LayerInput> entry : waiting.entrySet()) {
      bytes += LayerMoments.bytes(entry.getKey(), entry.getValue(), holdsOut);
      if (bytes > BUDGET_BYTES && !inputs.isEmpty()) {
        break;
      }
      inputs.put(entry.getKey(), entry.getValue());
    }
    Map<String, Integer> wanted = new LinkedHashMap<>();
    inputs.forEach(
        (layer, found) -> {
          ready.put(layer, new LayerMoments(layer, found, samples, holdsOut));
          waiting.remove(layer);
          wanted.put(found.name(), found.weight().tensor().getDataType());
          wanted.put(found.output(), found.weight().tensor().getDataType());
        });
    try (FloatModel floats = FloatModel.open(model, input, wanted, threads)) {
      run(floats, inputs, 0, learned, false);
      if (holdsOut) {
        run(floats, inputs, learned, data.size(0), true);
      }
    }
  }

  private void run(
      FloatModel floats, Map<Layer, LayerInput> inputs, long begin, long end, boolean judges) {
    boolean whole = isFixed();
    for (long from = begin; from < end; from += batch) {
      long to = Math.min(end, from + batch);
      if (whole && to - from < batch) {
        return; // The model takes no fewer.
      }
      long[] shape = data.shape();
      shape[0] = to - from;
      float[] elements;
      try (Tensor rows = data.rows(from, to)) {
        elements = rows.toFloatArray();
      }
      Map<String, Values> values = floats.run(new Values(elements, shape));
      inputs.forEach(
          (layer, found) ->
              ready
                  .get(layer)
                  .add(context, values.get(found.name()), values.get(found.output()), judges));
    }
  }

  private boolean isFixed() {
    return model.proto().getGraph().getInputList().stream()
        .filter(v -> v.getName().equals(input))
        .map(v -> v.getType().getTensorType().getShape())
        .anyMatch(s -> s.getDimCount() > 0 && s.getDim(0).getDimValue() > 0);
  }

  private void closeReady() {
    ready.values().forEach(LayerMoments::close);
    ready.clear();
  }

  @Override
  public void close() {
    closeReady();
    data.close();
  }
}
