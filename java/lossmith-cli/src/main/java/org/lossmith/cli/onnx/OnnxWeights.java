package org.lossmith.cli.onnx;

import ai.onnx.proto.OnnxMl.AttributeProto;
import ai.onnx.proto.OnnxMl.GraphProto;
import ai.onnx.proto.OnnxMl.NodeProto;
import ai.onnx.proto.OnnxMl.TensorProto;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;

/**
 * Finds the weights of a model: initialisers and outputs of Constant nodes, in the graph and in the
 * bodies of its If, Loop and Scan nodes, that an operator multiplies with. Names are unique across
 * a graph and its bodies, as ONNX demands.
 */
final class OnnxWeights {
  private final Map<String, TensorProto> constants = new LinkedHashMap<>();
  private final Map<String, OnnxWeight> weights = new LinkedHashMap<>();

  private OnnxWeights() {}

  /** The weights of a graph in the order of their first use. */
  static List<OnnxWeight> of(GraphProto graph) {
    OnnxWeights found = new OnnxWeights();
    found.collectConstants(graph);
    found.collectUses(graph, false);
    return new ArrayList<>(found.weights.values());
  }

  /** All constants of a graph and its bodies. */
  static List<TensorProto> constants(GraphProto graph) {
    OnnxWeights found = new OnnxWeights();
    found.collectConstants(graph);
    return new ArrayList<>(found.constants.values());
  }

  /** The tensor of a Constant node, or null for other nodes and other values. */
  static TensorProto constant(NodeProto node) {
    if (node.getOpType().equals("Constant") && OnnxModel.isStandard(node.getDomain())) {
      for (AttributeProto attribute : node.getAttributeList()) {
        if (attribute.getName().equals("value") && attribute.hasT()) {
          return attribute.getT();
        }
      }
    }
    return null;
  }

  private void collectConstants(GraphProto graph) {
    graph.getInitializerList().forEach(t -> constants.put(t.getName(), t));
    for (NodeProto node : graph.getNodeList()) {
      TensorProto constant = constant(node);
      if (constant != null) {
        String name = node.getOutput(0);
        constants.put(name, constant.toBuilder().setName(name).build());
      }
      for (AttributeProto attribute : node.getAttributeList()) {
        if (attribute.hasG()) {
          collectConstants(attribute.getG());
        }
      }
    }
  }

  private void collectUses(GraphProto graph, boolean inBody) {
    for (NodeProto node : graph.getNodeList()) {
      if (OnnxModel.isStandard(node.getDomain())) {
        for (int i = 0; i < Math.min(2, node.getInputCount()); i++) {
          String name = node.getInput(i);
          TensorProto tensor = constants.get(name);
          if (tensor != null && !weights.containsKey(name)) {
            OptionalInt axis = channelAxis(node, i, tensor.getDimsCount());
            if (axis.isPresent()) {
              weights.put(name, new OnnxWeight(name, node, i, inBody, axis.getAsInt(), tensor));
            }
          }
        }
      }
      for (AttributeProto attribute : node.getAttributeList()) {
        if (attribute.hasG()) {
          collectUses(attribute.getG(), true);
        }
      }
    }
  }

  /** The axis of a weight that becomes the outputs; none if the input is no weight. */
  private static OptionalInt channelAxis(NodeProto node, int input, int rank) {
    return switch (node.getOpType()) {
      case "Conv" -> input == 1 && rank >= 3 ? OptionalInt.of(0) : OptionalInt.empty();
      case "ConvTranspose" -> input == 1 && rank >= 3 ? OptionalInt.of(1) : OptionalInt.empty();
      case "Gemm" ->
          rank != 2
              ? OptionalInt.empty()
              : OptionalInt.of(isTransposed(node, input) == (input == 1) ? 0 : 1);
      case "MatMul" ->
          rank < 2 ? OptionalInt.empty() : OptionalInt.of(input == 1 ? rank - 1 : rank - 2);
      default -> OptionalInt.empty();
    };
  }

  private static boolean isTransposed(NodeProto node, int input) {
    String name = input == 0 ? "transA" : "transB";
    return node.getAttributeList().stream()
        .anyMatch(a -> a.getName().equals(name) && a.getI() != 0);
  }
}
