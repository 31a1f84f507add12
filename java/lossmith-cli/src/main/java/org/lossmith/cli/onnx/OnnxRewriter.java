package org.lossmith.cli.onnx;

import ai.onnx.proto.OnnxMl.AttributeProto;
import ai.onnx.proto.OnnxMl.GraphProto;
import ai.onnx.proto.OnnxMl.ModelProto;
import ai.onnx.proto.OnnxMl.NodeProto;
import ai.onnx.proto.OnnxMl.StringStringEntryProto;
import ai.onnx.proto.OnnxMl.TensorProto;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.lossmith.cli.FailureException;

/**
 * Replaces weights of a model by codes and the nodes that decode them. The nodes stand before all
 * others of the main graph and give their result the name of the weight, so that no user of the
 * weight changes, wherever it is. Only operators of the model's own opset are used; an opset cannot
 * be raised without changing the meaning of other nodes.
 */
public final class OnnxRewriter {
  /** Broadcasting, as the decoding uses it, came with opset 7. */
  private static final long LOWEST_OPSET = 7;

  /** Sign, which exponents per channel need, came with opset 9. */
  private static final long SIGN_OPSET = 9;

  /** From this version of the format on initialisers need not be inputs. */
  private static final long LOWEST_IR = 4;

  private final OnnxModel model;
  private final GraphPatch patch;
  private final Set<String> replaced = new HashSet<>();

  /**
   * Begins.
   *
   * @throws FailureException if the opset of the model is too old
   */
  public OnnxRewriter(OnnxModel model) {
    this.model = model;
    require(LOWEST_OPSET, "decoding nodes");
    patch = new GraphPatch(model.proto().getGraph(), model.opset());
  }

  private void require(long opset, String what) {
    if (model.opset() < opset) {
      throw new FailureException(
          String.format(
              "%s: expected opset %d or later for %s, got %d",
              model.file(), opset, what, model.opset()));
    }
  }

  /** The weights that can be replaced, of floating-point elements. */
  public static List<OnnxWeight> weights(OnnxModel model) {
    return OnnxWeights.of(model.proto().getGraph());
  }

  /** Replaces a weight. */
  public void replace(OnnxWeight weight, CodedMatrix matrix) {
    if (matrix.powers() != null) {
      require(SIGN_OPSET, "an exponent for each channel");
    }
    Decoding.add(patch, weight, matrix);
    replaced.add(weight.name());
  }

  /**
   * Changes the model.
   *
   * @param key name of an entry of the metadata
   * @param note what it shall say
   */
  public void finish(String key, String note) {
    ModelProto.Builder proto = model.proto();
    GraphProto graph = without(proto.getGraph());
    proto.setGraph(
        graph.toBuilder()
            .clearNode()
            .addAllNode(patch.nodes())
            .addAllNode(graph.getNodeList())
            .addAllInitializer(patch.initializers()));
    proto.setIrVersion(Math.max(LOWEST_IR, proto.getIrVersion()));
    proto.addMetadataProps(StringStringEntryProto.newBuilder().setKey(key).setValue(note));
  }

  /** The graph without the weights that were replaced, in its bodies, too. */
  private GraphProto without(GraphProto graph) {
    GraphProto.Builder rest = graph.toBuilder().clearInitializer().clearInput().clearNode();
    for (TensorProto tensor : graph.getInitializerList()) {
      if (!replaced.contains(tensor.getName())) {
        rest.addInitializer(tensor);
      }
    }
    graph.getInputList().stream()
        .filter(input -> !replaced.contains(input.getName()))
        .forEach(rest::addInput);
    for (NodeProto node : graph.getNodeList()) {
      if (OnnxWeights.constant(node) == null || !replaced.contains(node.getOutput(0))) {
        rest.addNode(without(node));
      }
    }
    return rest.build();
  }

  private NodeProto without(NodeProto node) {
    if (node.getAttributeList().stream().noneMatch(AttributeProto::hasG)) {
      return node;
    }
    NodeProto.Builder rest = node.toBuilder();
    for (AttributeProto.Builder attribute : rest.getAttributeBuilderList()) {
      if (attribute.hasG()) {
        attribute.setG(without(attribute.getG()));
      }
    }
    return rest.build();
  }
}
