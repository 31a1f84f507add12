package org.lossmith.cli.onnx;

import ai.onnx.proto.OnnxMl.AttributeProto;
import ai.onnx.proto.OnnxMl.GraphProto;
import ai.onnx.proto.OnnxMl.ModelProto;
import ai.onnx.proto.OnnxMl.NodeProto;
import ai.onnx.proto.OnnxMl.OperatorSetIdProto;
import ai.onnx.proto.OnnxMl.TensorProto;
import ai.onnx.proto.OnnxMl.TensorShapeProto;
import ai.onnx.proto.OnnxMl.TypeProto;
import ai.onnx.proto.OnnxMl.ValueInfoProto;
import com.google.protobuf.ByteString;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Random;

/** Small models, written by the tests. */
public final class OnnxModels {
  private OnnxModels() {}

  /** Weights like those of trained layers: small ones are frequent. */
  public static float[] weights(int count, long seed) {
    Random random = new Random(seed);
    float[] values = new float[count];
    for (int i = 0; i < count; i++) {
      double g = random.nextGaussian();
      values[i] = (float) (0.1 * g * Math.abs(g));
    }
    return values;
  }

  /** F32 elements as raw bytes. */
  public static TensorProto floats(String name, float[] values, long... shape) {
    ByteBuffer bytes = ByteBuffer.allocate(4 * values.length).order(ByteOrder.LITTLE_ENDIAN);
    for (float value : values) {
      bytes.putFloat(value);
    }
    return tensor(name, 1, shape).setRawData(ByteString.copyFrom(bytes.flip())).build();
  }

  /** F32 elements in the field of floats. */
  public static TensorProto fields(String name, float[] values, long... shape) {
    TensorProto.Builder tensor = tensor(name, 1, shape);
    for (float value : values) {
      tensor.addFloatData(value);
    }
    return tensor.build();
  }

  private static TensorProto.Builder tensor(String name, int type, long... shape) {
    TensorProto.Builder tensor = TensorProto.newBuilder().setName(name).setDataType(type);
    for (long extent : shape) {
      tensor.addDims(extent);
    }
    return tensor;
  }

  /** A node; its name is that of its output. */
  public static NodeProto.Builder node(String operator, String output, String... inputs) {
    return NodeProto.newBuilder()
        .setOpType(operator)
        .setName("node of " + output)
        .addOutput(output)
        .addAllInput(java.util.List.of(inputs));
  }

  /** An attribute of one integer. */
  public static AttributeProto integer(String name, long value) {
    return AttributeProto.newBuilder()
        .setName(name)
        .setType(AttributeProto.AttributeType.INT)
        .setI(value)
        .build();
  }

  /** An attribute of several integers. */
  public static AttributeProto integers(String name, long... values) {
    AttributeProto.Builder attribute =
        AttributeProto.newBuilder().setName(name).setType(AttributeProto.AttributeType.INTS);
    for (long value : values) {
      attribute.addInts(value);
    }
    return attribute.build();
  }

  /** A node whose output is a constant. */
  public static NodeProto constant(TensorProto tensor) {
    AttributeProto value =
        AttributeProto.newBuilder()
            .setName("value")
            .setType(AttributeProto.AttributeType.TENSOR)
            .setT(tensor.toBuilder().clearName())
            .build();
    return node("Constant", tensor.getName()).addAttribute(value).build();
  }

  /** An input or output of F32; an extent of -1 is left open. */
  public static ValueInfoProto value(String name, long... shape) {
    TensorShapeProto.Builder extents = TensorShapeProto.newBuilder();
    for (long extent : shape) {
      TensorShapeProto.Dimension.Builder dimension = TensorShapeProto.Dimension.newBuilder();
      extents.addDim(extent < 0 ? dimension.setDimParam("n") : dimension.setDimValue(extent));
    }
    return ValueInfoProto.newBuilder()
        .setName(name)
        .setType(
            TypeProto.newBuilder()
                .setTensorType(TypeProto.Tensor.newBuilder().setElemType(1).setShape(extents)))
        .build();
  }

  /** A model around a graph. */
  public static ModelProto.Builder model(GraphProto.Builder graph, long opset) {
    return ModelProto.newBuilder()
        .setIrVersion(opset < 9 ? 3 : 7)
        .setProducerName("tests")
        .addOpsetImport(OperatorSetIdProto.newBuilder().setVersion(opset))
        .setGraph(graph.setName("graph"));
  }

  /**
   * A small network on images [2,3,8,8]: Conv, Relu, Gemm (transposed and not), MatMul with the
   * output of a Constant node, and a matrix that is used twice.
   */
  public static ModelProto network(long opset) {
    GraphProto.Builder graph =
        GraphProto.newBuilder()
            .addInput(value("x", 2, 3, 8, 8))
            .addOutput(value("y", 2, 5))
            .addInitializer(floats("conv.weight", weights(7 * 3 * 3 * 3, 1), 7, 3, 3, 3))
            .addInitializer(floats("conv.bias", weights(7, 2), 7))
            .addInitializer(fields("fc.weight", weights(9 * 7 * 16, 3), 9, 7 * 16))
            .addInitializer(floats("fc.bias", weights(9, 4), 9))
            .addInitializer(floats("fc2.weight", weights(9 * 5, 5), 9, 5))
            .addInitializer(floats("shared", weights(25, 6), 5, 5))
            .addNode(constant(floats("constant", weights(25, 7), 5, 5)))
            .addNode(
                node("Conv", "c", "x", "conv.weight", "conv.bias")
                    .addAttribute(integers("pads", 1, 1, 1, 1))
                    .addAttribute(integers("strides", 2, 2)))
            .addNode(node("Relu", "r", "c"))
            .addNode(node("Flatten", "f", "r"))
            .addNode(
                node("Gemm", "g", "f", "fc.weight", "fc.bias").addAttribute(integer("transB", 1)))
            .addNode(node("Gemm", "h", "g", "fc2.weight"))
            .addNode(node("MatMul", "m", "h", "constant"))
            .addNode(node("MatMul", "n", "m", "shared"))
            .addNode(node("MatMul", "y", "n", "shared"));
    if (opset < 9) {
      // Before, initialisers had to be inputs as well, and Gemm to have all three.
      for (TensorProto tensor : graph.getInitializerList()) {
        graph.addInput(
            value(
                tensor.getName(),
                tensor.getDimsList().stream().mapToLong(Long::longValue).toArray()));
      }
    }
    if (opset < 11) {
      graph.addInitializer(floats("none", new float[5], 5));
      graph.setNode(5, node("Gemm", "h", "g", "fc2.weight", "none"));
      if (opset < 9) {
        graph.addInput(value("none", 5));
      }
    }
    return model(graph, opset).build();
  }

  /** Writes a model. */
  public static Path write(ModelProto model, Path file) throws IOException {
    return Files.write(file, model.toByteArray());
  }
}
