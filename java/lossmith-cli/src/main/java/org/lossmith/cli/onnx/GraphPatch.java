package org.lossmith.cli.onnx;

import ai.onnx.proto.OnnxMl.AttributeProto;
import ai.onnx.proto.OnnxMl.GraphProto;
import ai.onnx.proto.OnnxMl.NodeProto;
import ai.onnx.proto.OnnxMl.TensorProto;
import com.google.protobuf.ByteString;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Nodes and initialisers to be added to a graph, under names that the graph does not have. Equal
 * initialisers that several weights need are made once.
 */
final class GraphPatch {
  private final long opset;
  private final Set<String> taken = new HashSet<>();
  private final List<NodeProto> nodes = new ArrayList<>();
  private final List<TensorProto> initializers = new ArrayList<>();
  private final Map<TensorProto, String> shared = new HashMap<>();

  GraphPatch(GraphProto graph, long opset) {
    this.opset = opset;
    take(graph);
  }

  private void take(GraphProto graph) {
    graph.getInputList().forEach(v -> taken.add(v.getName()));
    graph.getInitializerList().forEach(t -> taken.add(t.getName()));
    graph.getSparseInitializerList().forEach(t -> taken.add(t.getValues().getName()));
    for (NodeProto node : graph.getNodeList()) {
      taken.add(node.getName());
      taken.addAll(node.getOutputList());
      for (AttributeProto attribute : node.getAttributeList()) {
        if (attribute.hasG()) {
          take(attribute.getG());
        }
      }
    }
  }

  List<NodeProto> nodes() {
    return nodes;
  }

  List<TensorProto> initializers() {
    return initializers;
  }

  private String fresh(String wanted) {
    String name = wanted;
    for (int i = 1; !taken.add(name); i++) {
      name = wanted + "_" + i;
    }
    return name;
  }

  // ---- Initialisers

  String bytes(String name, byte[] values) {
    return initializer(name, OnnxType.UINT8, ByteString.copyFrom(values), values.length);
  }

  String floats(String name, float[] values, long... shape) {
    return initializer(name, OnnxType.FLOAT, raw(values), shape);
  }

  /** Floats that equal ones of before may stand for. */
  String sharedFloats(String name, float[] values, long... shape) {
    return share(name, OnnxType.FLOAT, raw(values), shape);
  }

  /** Integers that equal ones of before may stand for. */
  String sharedInts(String name, int[] values, long... shape) {
    ByteBuffer bytes = buffer(Integer.BYTES * values.length);
    for (int value : values) {
      bytes.putInt(value);
    }
    return share(name, OnnxType.INT32, ByteString.copyFrom(bytes.flip()), shape);
  }

  private String longs(String name, long... values) {
    ByteBuffer bytes = buffer(Long.BYTES * values.length);
    for (long value : values) {
      bytes.putLong(value);
    }
    return share(name, OnnxType.INT64, ByteString.copyFrom(bytes.flip()), values.length);
  }

  private String share(String name, OnnxType type, ByteString raw, long... shape) {
    TensorProto nameless = tensor("", type, raw, shape);
    String known = shared.get(nameless);
    if (known == null) {
      known = initializer(name, type, raw, shape);
      shared.put(nameless, known);
    }
    return known;
  }

  private String initializer(String wanted, OnnxType type, ByteString raw, long... shape) {
    String name = fresh(wanted);
    initializers.add(tensor(name, type, raw, shape));
    return name;
  }

  private static TensorProto tensor(String name, OnnxType type, ByteString raw, long... shape) {
    TensorProto.Builder tensor =
        TensorProto.newBuilder().setName(name).setDataType(type.number()).setRawData(raw);
    for (long extent : shape) {
      tensor.addDims(extent);
    }
    return tensor.build();
  }

  private static ByteString raw(float[] values) {
    ByteBuffer bytes = buffer(Float.BYTES * values.length);
    for (float value : values) {
      bytes.putFloat(value);
    }
    return ByteString.copyFrom(bytes.flip());
  }

  private static ByteBuffer buffer(int bytes) {
    return ByteBuffer.allocate(bytes).order(ByteOrder.LITTLE_ENDIAN);
  }

  // ---- Nodes; each returns the name of its output

  String unary(String operator, String name, String input) {
    return add(NodeProto.newBuilder().setOpType(operator).addInput(input), name);
  }

  String binary(String operator, String name, String left, String right) {
    return add(NodeProto.newBuilder().setOpType(operator).addInput(left).addInput(right), name);
  }

  String cast(String name, String input, OnnxType type) {
    AttributeProto to =
        AttributeProto.newBuilder()
            .setName("to")
            .setType(AttributeProto.AttributeType.INT)
            .setI(type.number())
            .build();
    return add(NodeProto.newBuilder().setOpType("Cast").addInput(input).addAttribute(to), name);
  }

  String reshape(String name, String input, long... shape) {
    return binary("Reshape", name, input, longs(name + "/shape", shape));
  }

  String transpose(String name, String input, long... permutation) {
    return add(
        NodeProto.newBuilder()
            .setOpType("Transpose")
            .addInput(input)
            .addAttribute(list("perm", permutation)),
        name);
  }

  /** The first elements of an axis. */
  String first(String name, String input, int axis, long count) {
    NodeProto.Builder slice = NodeProto.newBuilder().setOpType("Slice").addInput(input);
    if (opset < 10) {
      slice.addAttribute(list("starts", 0));
      slice.addAttribute(list("ends", count));
      slice.addAttribute(list("axes", axis));
    } else {
      slice.addInput(longs(name + "/start", 0));
      slice.addInput(longs(name + "/end", count));
      slice.addInput(longs(name + "/axis", axis));
    }
    return add(slice, name);
  }

  private static AttributeProto list(String name, long... values) {
    AttributeProto.Builder attribute =
        AttributeProto.newBuilder().setName(name).setType(AttributeProto.AttributeType.INTS);
    for (long value : values) {
      attribute.addInts(value);
    }
    return attribute.build();
  }

  private String add(NodeProto.Builder node, String wanted) {
    String name = fresh(wanted);
    nodes.add(node.setName(name).addOutput(name).build());
    return name;
  }

  /** Gives the output of the last node the name of the weight that it replaces. */
  void nameLast(String output) {
    int last = nodes.size() - 1;
    nodes.set(last, nodes.get(last).toBuilder().setOutput(0, output).build());
  }
}
