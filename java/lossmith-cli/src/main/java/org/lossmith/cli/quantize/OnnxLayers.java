package org.lossmith.cli.quantize;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.lossmith.Context;
import org.lossmith.Tensor;
import org.lossmith.cli.FailureException;
import org.lossmith.cli.Json;
import org.lossmith.cli.onnx.OnnxModel;
import org.lossmith.cli.onnx.OnnxRewriter;
import org.lossmith.cli.onnx.OnnxType;
import org.lossmith.cli.onnx.OnnxWeight;
import org.lossmith.cli.onnx.OnnxWriter;

/**
 * A model of ONNX: its weights are the constants that Conv, ConvTranspose, Gemm and MatMul multiply
 * with, as matrices whose rows are the outputs of the operator.
 */
final class OnnxLayers implements LayeredModel {
  private static final String KEY = "lossmith.quantization";

  private final OnnxModel model;
  private final Context context;
  private final Map<String, OnnxWeight> weights = new LinkedHashMap<>();
  private final List<Layer> layers = new ArrayList<>();
  private OnnxRewriter rewriter;
  private Scheme scheme;
  private Path out;

  private OnnxLayers(Context context, OnnxModel model) {
    this.context = context;
    this.model = model;
    model.constants().forEach(model.data()::type); // Unknown types are refused, used or not.
    for (OnnxWeight weight : OnnxRewriter.weights(model)) {
      OnnxType type = model.data().type(weight.tensor());
      long elements = model.data().elements(weight.tensor());
      if (type.isFloating() && elements > 0) {
        weights.put(weight.name(), weight);
        layers.add(layer(model, weight, type, elements));
      }
    }
  }

  private static Layer layer(OnnxModel model, OnnxWeight weight, OnnxType type, long elements) {
    if (elements > Integer.MAX_VALUE - Long.BYTES) {
      throw new FailureException(
          String.format(
              "%s: tensor '%s': expected fewer than 2^31 elements, got %d",
              model.file(), weight.name(), elements));
    }
    long rows = weight.shape()[weight.channelAxis()];
    return new Layer(
        weight.name(),
        weight.operator(),
        type.toString(),
        weight.shape(),
        rows,
        elements / rows,
        elements * type.bits() / Byte.SIZE);
  }

  /** Reads a model. */
  static OnnxLayers open(Context context, Path in) {
    return new OnnxLayers(context, OnnxModel.read(in));
  }

  /** The model. */
  OnnxModel model() {
    return model;
  }

  /** The weight of a layer. */
  OnnxWeight weight(Layer layer) {
    return weights.get(layer.name());
  }

  @Override
  public List<Layer> layers() {
    return layers;
  }

  @Override
  public Set<Path> files() {
    Set<Path> files = new LinkedHashSet<>(model.allExternalFiles());
    files.add(model.file());
    return files;
  }

  @Override
  public List<Path> outputs(Path target) {
    return List.of(target, OnnxWriter.dataFile(target));
  }

  @Override
  public long bytes() throws IOException {
    long total = 0;
    for (Path path : files()) {
      total += Files.size(path);
    }
    return total;
  }

  @Override
  public Tensor matrix(Layer layer) {
    OnnxWeight weight = weight(layer);
    Tensor stored = model.data().floats(weight.tensor());
    try (stored) {
      float[] values = stored.toFloatArray();
      int rows = (int) layer.rows();
      int inner = inner(weight);
      if (inner * rows < values.length || weight.channelAxis() > 0) {
        values = channelsFirst(values, rows, inner);
      }
      return Tensor.of(values, layer.rows(), layer.columns());
    }
  }

  /** The elements behind the axis of the channels, for one index on it. */
  private static int inner(OnnxWeight weight) {
    long inner = 1;
    for (int i = weight.channelAxis() + 1; i < weight.shape().length; i++) {
      inner *= weight.shape()[i];
    }
    return (int) inner;
  }

  /** [outer, rows, inner] to [rows, outer, inner]. */
  private static float[] channelsFirst(float[] values, int rows, int inner) {
    float[] moved = new float[values.length];
    int outer = values.length / rows / inner;
    for (int i = 0; i < outer; i++) {
      for (int row = 0; row < rows; row++) {
        System.arraycopy(values, (i * rows + row) * inner, moved, (row * outer + i) * inner, inner);
      }
    }
    return moved;
  }

  @Override
  public String place(Layer layer, long row, long column) {
    OnnxWeight weight = weight(layer);
    long inner = inner(weight);
    long index = (column / inner * layer.rows() + row) * inner + column % inner;
    long[] shape = layer.shape();
    long[] place = new long[shape.length];
    for (int i = shape.length - 1; i >= 0; i--) {
      place[i] = index % shape[i];
      index /= shape[i];
    }
    return Arrays.toString(place);
  }

  @Override
  public void begin(Path target, List<Layer> chosen, Scheme chosenScheme) {
    out = target;
    scheme = chosenScheme;
    rewriter = new OnnxRewriter(model);
  }

  @Override
  public void put(Layer layer, CodedWeight codes) {
    rewriter.replace(weight(layer), OnnxCodes.of(context, codes));
  }

  @Override
  public long commit() throws IOException {
    Map<String, Object> note = new LinkedHashMap<>();
    note.put("method", scheme.method().toString());
    note.put("bits", scheme.quantizer().bits());
    rewriter.finish(KEY, Json.line(note));
    return new OnnxWriter(model, OnnxWriter.ONE_FILE_BYTES).write(out);
  }

  @Override
  public void close() {}
}
