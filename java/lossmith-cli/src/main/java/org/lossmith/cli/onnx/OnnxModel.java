package org.lossmith.cli.onnx;

import ai.onnx.proto.OnnxMl.AttributeProto;
import ai.onnx.proto.OnnxMl.GraphProto;
import ai.onnx.proto.OnnxMl.ModelProto;
import ai.onnx.proto.OnnxMl.NodeProto;
import ai.onnx.proto.OnnxMl.OperatorSetIdProto;
import ai.onnx.proto.OnnxMl.TensorProto;
import com.google.protobuf.CodedInputStream;
import com.google.protobuf.InvalidProtocolBufferException;
import java.io.BufferedInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import org.lossmith.cli.FailureException;
import org.lossmith.cli.files.FileErrors;

/** A model of ONNX in memory; its external data stays in files. */
public final class OnnxModel {
  private final Path file;
  private final ModelProto.Builder model;
  private final OnnxData data;

  private OnnxModel(Path file, ModelProto.Builder model) {
    this.file = file;
    this.model = model;
    data = new OnnxData(file);
  }

  /**
   * Reads a model.
   *
   * @throws FailureException if the file cannot be read or is none; names the offset
   */
  public static OnnxModel read(Path file) {
    try (InputStream stream = new BufferedInputStream(Files.newInputStream(file), 1 << 16)) {
      CodedInputStream in = CodedInputStream.newInstance(stream, 1 << 16);
      in.setSizeLimit(Integer.MAX_VALUE);
      ModelProto.Builder model = ModelProto.newBuilder();
      try {
        model.mergeFrom(in);
      } catch (InvalidProtocolBufferException e) {
        throw new FailureException(
            String.format(
                "%s: expected a whole ONNX model, got a file of %d bytes that cannot be read at"
                    + " offset %d: %s",
                file, Files.size(file), in.getTotalBytesRead(), firstSentence(e.getMessage())),
            e);
      }
      if (!model.hasGraph() || model.getIrVersion() < 1) {
        throw new FailureException(
            file + ": expected an ONNX model with ir_version and graph, got a file without them");
      }
      return new OnnxModel(file, model);
    } catch (IOException e) {
      throw FileErrors.of(file, e);
    }
  }

  private static String firstSentence(String message) {
    int end = message.indexOf(". ");
    return (end < 0 ? message : message.substring(0, end)).replaceAll("\\s+", " ").strip();
  }

  /** Where the model was read from. */
  public Path file() {
    return file;
  }

  /** The model, to be changed in place. */
  public ModelProto.Builder proto() {
    return model;
  }

  /** The elements of its tensors. */
  public OnnxData data() {
    return data;
  }

  /** Its initialisers and the tensors of its Constant nodes, those of bodies included. */
  public List<TensorProto> constants() {
    return OnnxWeights.constants(model.getGraph());
  }

  /** The files beside the model that have the elements of tensors. */
  public Set<Path> allExternalFiles() {
    look(model.getGraph());
    return data.externalFiles();
  }

  private void look(GraphProto graph) {
    graph.getInitializerList().forEach(this::look);
    for (NodeProto node : graph.getNodeList()) {
      for (AttributeProto attribute : node.getAttributeList()) {
        if (attribute.hasT()) {
          look(attribute.getT());
        }
        if (attribute.hasG()) {
          look(attribute.getG());
        }
      }
    }
  }

  private void look(TensorProto tensor) {
    if (OnnxData.isExternal(tensor)) {
      data.place(tensor);
    }
  }

  /** The version of the standard operators, or 0 if the model imports none. */
  public long opset() {
    return model.getOpsetImportList().stream()
        .filter(set -> isStandard(set.getDomain()))
        .mapToLong(OperatorSetIdProto::getVersion)
        .findFirst()
        .orElse(0);
  }

  /** Whether a domain is that of the standard operators. */
  static boolean isStandard(String domain) {
    return domain.isEmpty() || domain.equals("ai.onnx");
  }
}
