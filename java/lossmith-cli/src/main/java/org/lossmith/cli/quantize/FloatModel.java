package org.lossmith.cli.quantize;

import ai.onnx.proto.OnnxMl.GraphProto;
import ai.onnx.proto.OnnxMl.ModelProto;
import ai.onnx.proto.OnnxMl.TypeProto;
import ai.onnx.proto.OnnxMl.ValueInfoProto;
import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtLoggingLevel;
import ai.onnxruntime.OrtSession;
import java.nio.FloatBuffer;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import org.lossmith.cli.FailureException;
import org.lossmith.cli.onnx.OnnxModel;

/**
 * A model as ONNX Runtime executes it, which also gives values from its inside. The only class that
 * needs ONNX Runtime.
 */
final class FloatModel implements AutoCloseable {
  private static final String EXTERNAL_FOLDER =
      "session.model_external_initializers_file_folder_path";

  /**
   * Values of a tensor.
   *
   * @param elements in C order
   * @param shape its extents
   */
  record Values(float[] elements, long[] shape) {}

  private final Path file;
  private final OrtEnvironment environment;
  private final OrtSession session;
  private final String input;

  private FloatModel(Path file, OrtEnvironment environment, OrtSession session, String input) {
    this.file = file;
    this.environment = environment;
    this.session = session;
    this.input = input;
  }

  /**
   * Prepares a model.
   *
   * @param input the name of its only input
   * @param wanted names of tensors, and the numbers of their types, that it shall give
   */
  static FloatModel open(OnnxModel model, String input, Map<String, Integer> wanted, int threads) {
    ModelProto proto = withOutputs(model.proto().build(), wanted);
    OrtEnvironment environment =
        OrtEnvironment.getEnvironment(OrtLoggingLevel.ORT_LOGGING_LEVEL_FATAL);
    try (OrtSession.SessionOptions options = new OrtSession.SessionOptions()) {
      options.setIntraOpNumThreads(threads);
      Path folder = model.file().toAbsolutePath().getParent();
      options.addConfigEntry(EXTERNAL_FOLDER, folder.toString());
      OrtSession session = environment.createSession(proto.toByteArray(), options);
      return new FloatModel(model.file(), environment, session, input);
    } catch (OrtException e) {
      throw failure(model.file(), e);
    }
  }

  private static ModelProto withOutputs(ModelProto model, Map<String, Integer> wanted) {
    GraphProto.Builder graph = model.getGraph().toBuilder();
    Set<String> known = new HashSet<>();
    graph.getOutputList().forEach(output -> known.add(output.getName()));
    graph.getInputList().forEach(value -> known.add(value.getName()));
    wanted.forEach(
        (name, type) -> {
          if (known.add(name)) {
            graph.addOutput(
                ValueInfoProto.newBuilder()
                    .setName(name)
                    .setType(
                        TypeProto.newBuilder()
                            .setTensorType(TypeProto.Tensor.newBuilder().setElemType(type))));
          }
        });
    return model.toBuilder().setGraph(graph).build();
  }

  /** Runs the model on a batch; the result has the input, too. */
  Map<String, Values> run(Values batch) {
    Map<String, Values> all = new HashMap<>();
    all.put(input, batch);
    try (OnnxTensor tensor =
            OnnxTensor.createTensor(
                environment, FloatBuffer.wrap(batch.elements()), batch.shape());
        OrtSession.Result result = session.run(Map.of(input, tensor))) {
      for (Map.Entry<String, ai.onnxruntime.OnnxValue> output : result) {
        if (output.getValue() instanceof OnnxTensor values) {
          FloatBuffer buffer = values.getFloatBuffer();
          if (buffer != null) {
            float[] elements = new float[buffer.remaining()];
            buffer.get(elements);
            all.put(output.getKey(), new Values(elements, values.getInfo().getShape()));
          }
        }
      }
      return all;
    } catch (OrtException e) {
      throw failure(file, e);
    }
  }

  private static FailureException failure(Path file, OrtException e) {
    String reason = e.getMessage().lines().findFirst().orElse("no reason given");
    return new FailureException(file + ": cannot be run for --calibration: " + reason, e);
  }

  @Override
  public void close() {
    try {
      session.close();
    } catch (OrtException e) {
      throw failure(file, e);
    }
  }
}
