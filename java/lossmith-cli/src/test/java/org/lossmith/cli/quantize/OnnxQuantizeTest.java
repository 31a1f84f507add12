package org.lossmith.cli.quantize;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.lossmith.cli.onnx.OnnxModels.constant;
import static org.lossmith.cli.onnx.OnnxModels.floats;
import static org.lossmith.cli.onnx.OnnxModels.integer;
import static org.lossmith.cli.onnx.OnnxModels.integers;
import static org.lossmith.cli.onnx.OnnxModels.node;
import static org.lossmith.cli.onnx.OnnxModels.value;
import static org.lossmith.cli.onnx.OnnxModels.weights;

import ai.onnx.proto.OnnxMl.AttributeProto;
import ai.onnx.proto.OnnxMl.GraphProto;
import ai.onnx.proto.OnnxMl.ModelProto;
import ai.onnx.proto.OnnxMl.NodeProto;
import ai.onnx.proto.OnnxMl.TensorProto;
import com.fasterxml.jackson.databind.JsonNode;
import com.google.protobuf.ByteString;
import java.io.IOException;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.lossmith.Context;
import org.lossmith.Groups;
import org.lossmith.PowerParameters;
import org.lossmith.PowerQuantizer;
import org.lossmith.PowerRange;
import org.lossmith.PowerSearch;
import org.lossmith.Tensor;
import org.lossmith.cli.Cli;
import org.lossmith.cli.LeakFreeTest;
import org.lossmith.cli.onnx.OnnxModel;
import org.lossmith.cli.onnx.OnnxModels;
import org.lossmith.cli.onnx.Runtime;

/**
 * Quantized models of ONNX, executed by ONNX Runtime: their outputs are those of the float model
 * with the values that the library gives to the same codes.
 */
class OnnxQuantizeTest extends LeakFreeTest {
  private static final long[] SHAPE = {2, 3, 8, 8};
  private static final float[] INPUT = weights(2 * 3 * 8 * 8, 99);
  private static final Set<String> STANDARD =
      Set.of(
          "Abs",
          "Add",
          "Cast",
          "Conv",
          "Flatten",
          "Gather",
          "Gemm",
          "MatMul",
          "Mul",
          "Pow",
          "Relu",
          "Reshape",
          "Sign",
          "Slice",
          "Transpose");

  /** The weights of the network, and which axis of each has the channels. */
  private static final Map<String, Integer> AXES =
      new TreeMap<>(
          Map.of("conv.weight", 0, "fc.weight", 0, "fc2.weight", 1, "constant", 1, "shared", 1));

  @TempDir Path folder;

  @ParameterizedTest
  @CsvSource({
    "17, 4, power, --per-channel, search-tensor",
    "17, 3, power, --per-channel, search-tensor",
    "17, 2, power, --per-tensor, 0.7",
    "17, 8, power, --per-channel, search-tensor",
    "17, 5, power, --per-tensor, search-tensor",
    "17, 4, power, --group=5, search-tensor",
    "17, 3, power, --group=4, search-channel",
    "13, 4, power, --per-channel, search-channel",
    "9, 3, power, --per-channel, search-channel",
    "8, 4, power, --group=6, 0.5",
    "8, 3, power, --per-tensor, search-network",
    "13, 4, uniform, --per-channel, 1",
    "13, 3, uniform-asymmetric, --per-channel, 1",
    "13, 4, uniform-asymmetric, --group=7, 1"
  })
  void outputsAreThoseOfTheDequantizedWeights(
      long opset, int bits, String method, String sharing, String exponent) throws IOException {
    Path in = OnnxModels.write(OnnxModels.network(opset), folder.resolve("in.onnx"));
    Path out = folder.resolve("out.onnx");
    List<Object> words = new ArrayList<>(List.of("quantize", in, "--out", out, "--bits", bits));
    words.addAll(List.of("--method", method, "--json", "--quiet"));
    words.addAll(List.of(sharing.split("=")));
    if (method.equals("power")) {
      words.addAll(List.of("--exponent", exponent));
    }
    Cli run = Cli.run(words.toArray());
    assertEquals(0, run.code(), run.err());
    Map<String, float[]> values = new TreeMap<>();
    for (JsonNode layer : run.json().path("layers")) {
      values.put(layer.path("name").asText(), values(layer, method, sharing, exponent));
    }
    assertEquals(AXES.keySet(), values.keySet());
    ModelProto expected = replaced(OnnxModels.network(opset), values);
    float[] wanted = run(OnnxModels.write(expected, folder.resolve("expected.onnx")));
    assertClose(wanted, run(out));
    assertOnlyStandardOperators(out, opset);
  }

  /** What the library makes of a weight, in the order of the model. */
  private static float[] values(JsonNode layer, String method, String sharing, String exponent) {
    TensorProto weight = constantsOf(OnnxModels.network(17)).get(layer.path("name").asText());
    int axis = AXES.get(weight.getName());
    float[] values = channelsFirst(elements(weight), weight, axis);
    int rows = (int) weight.getDims(axis);
    Groups groups =
        sharing.equals("--per-tensor")
            ? Groups.perTensor()
            : sharing.equals("--per-channel")
                ? Groups.perChannel(0)
                : Groups.ofColumns(Long.parseLong(sharing.split("=")[1]));
    PowerQuantizer quantizer = PowerQuantizer.of(layer.path("bits").asInt()).withGroups(groups);
    if (method.equals("uniform-asymmetric")) {
      quantizer = quantizer.withRange(PowerRange.UNSIGNED);
    }
    double power = layer.path("exponent").asDouble();
    try (Context context = Context.cpu();
        Tensor matrix = Tensor.of(values, rows, values.length / rows);
        PowerParameters parameters =
            exponent.equals("search-channel")
                ? PowerSearch.of(quantizer).search(context, matrix)
                : method.equals("uniform-asymmetric")
                    ? quantizer.shiftedParameters(context, matrix, power)
                    : quantizer.parameters(context, matrix, power);
        Tensor result = quantizer.fakeQuantize(context, matrix, parameters)) {
      return axis == 0 ? result.toFloatArray() : transposed(result.toFloatArray(), rows);
    }
  }

  private static float[] channelsFirst(float[] values, TensorProto weight, int axis) {
    return axis == 0 ? values : transposed(values, (int) weight.getDims(0));
  }

  private static float[] transposed(float[] values, int rows) {
    int columns = values.length / rows;
    float[] moved = new float[values.length];
    for (int i = 0; i < values.length; i++) {
      moved[i % columns * rows + i / columns] = values[i];
    }
    return moved;
  }

  private static float[] elements(TensorProto tensor) {
    try (Tensor values = dataOf(tensor)) {
      return values.toFloatArray();
    }
  }

  private static Tensor dataOf(TensorProto tensor) {
    if (tensor.getFloatDataCount() > 0) {
      float[] values = new float[tensor.getFloatDataCount()];
      for (int i = 0; i < values.length; i++) {
        values[i] = tensor.getFloatData(i);
      }
      return Tensor.of(values, values.length);
    }
    float[] values = new float[tensor.getRawData().size() / 4];
    tensor
        .getRawData()
        .asReadOnlyByteBuffer()
        .order(ByteOrder.LITTLE_ENDIAN)
        .asFloatBuffer()
        .get(values);
    return Tensor.of(values, values.length);
  }

  private static Map<String, TensorProto> constantsOf(ModelProto model) {
    Map<String, TensorProto> constants = new HashMap<>();
    model.getGraph().getInitializerList().forEach(t -> constants.put(t.getName(), t));
    for (NodeProto node : model.getGraph().getNodeList()) {
      if (node.getOpType().equals("Constant")) {
        String name = node.getOutput(0);
        constants.put(name, node.getAttribute(0).getT().toBuilder().setName(name).build());
      }
    }
    return constants;
  }

  /** The model with other elements of its weights. */
  private static ModelProto replaced(ModelProto model, Map<String, float[]> values) {
    ModelProto.Builder result = model.toBuilder();
    for (TensorProto.Builder tensor : result.getGraphBuilder().getInitializerBuilderList()) {
      if (values.containsKey(tensor.getName())) {
        replace(tensor, values.get(tensor.getName()));
      }
    }
    for (NodeProto.Builder node : result.getGraphBuilder().getNodeBuilderList()) {
      if (values.containsKey(node.getOutput(0))) {
        replace(node.getAttributeBuilder(0).getTBuilder(), values.get(node.getOutput(0)));
      }
    }
    return result.build();
  }

  private static void replace(TensorProto.Builder tensor, float[] values) {
    tensor.clearFloatData().setRawData(floats("", values, values.length).getRawData());
  }

  private static float[] run(Path model) {
    return Runtime.run(model, INPUT, SHAPE);
  }

  private static void assertClose(float[] wanted, float[] got) {
    float largest = 0;
    for (float value : wanted) {
      largest = Math.max(largest, Math.abs(value));
    }
    assertTrue(largest > 0, "a model that gives zeros shows nothing");
    assertArrayEquals(wanted, got, 2e-6f * largest);
  }

  private static void assertOnlyStandardOperators(Path file, long opset) {
    OnnxModel model = OnnxModel.read(file);
    assertEquals(opset, model.opset());
    Set<String> others = new TreeSet<>();
    for (NodeProto node : model.proto().getGraph().getNodeList()) {
      assertEquals("", node.getDomain());
      others.add(node.getOpType());
    }
    others.removeAll(STANDARD);
    assertEquals(Set.of(), others);
  }

  @Test
  void fourBitsAreNearTheFloatModelAndAFractionOfItsSize() throws IOException {
    GraphProto.Builder graph =
        GraphProto.newBuilder()
            .addInput(value("x", 2, 64))
            .addOutput(value("y", 2, 256))
            .addInitializer(floats("w", weights(64 * 256, 1), 64, 256))
            .addNode(node("MatMul", "y", "x", "w"));
    Path in = OnnxModels.write(OnnxModels.model(graph, 17).build(), folder.resolve("in.onnx"));
    Path out = folder.resolve("out.onnx");
    JsonNode report = quantize(in, out, "--bits", 4).path("layers").get(0);
    float[] x = weights(128, 5);
    float[] wanted = Runtime.run(in, x, 2, 64);
    float[] got = Runtime.run(out, x, 2, 64);
    double signal = 0;
    double noise = 0;
    for (int i = 0; i < wanted.length; i++) {
      signal += wanted[i] * wanted[i];
      noise += (wanted[i] - got[i]) * (wanted[i] - got[i]);
    }
    double sqnr = 10 * Math.log10(signal / noise);
    assertTrue(sqnr > 17, "outputs differ by " + sqnr + " dB");
    assertEquals(report.path("sqnr").asDouble(), sqnr, 3, "weights and outputs differ alike");
    assertTrue(report.path("sqnr").asDouble() > report.path("uniform_symmetric").asDouble() + 2);
    assertEquals(64 * 256 / 2 + 4 * 256 + 4, report.path("bytes_after").asLong());
    assertTrue(Files.size(out) < Files.size(in) / 5, Files.size(out) + " of " + Files.size(in));
  }

  @Test
  void transposedConvolutionsHalvesAndMatricesOnTheLeft() throws IOException {
    byte[] halves = new byte[2 * 6 * 4];
    for (int i = 0; i < halves.length; i += 2) {
      halves[i] = (byte) (17 * i);
      halves[i + 1] = (byte) (i % 4 == 0 ? 0x38 : 0xb4); // between 0.5 and 1, or -0.5 and -0.25
    }
    TensorProto half =
        TensorProto.newBuilder()
            .setName("half")
            .setDataType(10)
            .addDims(6)
            .addDims(4)
            .setRawData(ByteString.copyFrom(halves))
            .build();
    GraphProto.Builder graph =
        GraphProto.newBuilder()
            .addInput(value("x", 1, 3, 2, 2))
            .addOutput(value("y", 1, 5, 7, 4))
            .addInitializer(floats("up", weights(3 * 5 * 2 * 3, 1), 3, 5, 2, 3))
            .addInitializer(floats("left", weights(7 * 4, 2), 7, 4))
            .addInitializer(half)
            .addNode(node("ConvTranspose", "a", "x", "up").addAttribute(integers("strides", 2, 3)))
            .addNode(node("Cast", "b", "a").addAttribute(integer("to", 10)))
            .addNode(node("MatMul", "c", "b", "half"))
            .addNode(node("Cast", "d", "c").addAttribute(integer("to", 1)))
            .addNode(node("MatMul", "y", "left", "d"));
    Path in = OnnxModels.write(OnnxModels.model(graph, 13).build(), folder.resolve("in.onnx"));
    Path out = folder.resolve("out.onnx");
    JsonNode layers = quantize(in, out, "--bits", 8).path("layers");
    assertEquals(3, layers.size());
    assertEquals("float16", layers.get(1).path("dtype").asText());
    float[] x = weights(12, 3);
    float[] wanted = Runtime.run(in, x, 1, 3, 2, 2);
    float[] got = Runtime.run(out, x, 1, 3, 2, 2);
    double largest = 0;
    double difference = 0;
    for (int i = 0; i < wanted.length; i++) {
      largest = Math.max(largest, Math.abs(wanted[i]));
      difference = Math.max(difference, Math.abs(wanted[i] - got[i]));
    }
    assertTrue(difference > 0 && difference < 0.02 * largest, difference + " of " + largest);
  }

  @Test
  void weightsOfBodiesAreFoundAndDecodedOutside() throws IOException {
    // The body of an If multiplies with an initialiser of its own.
    GraphProto.Builder then =
        GraphProto.newBuilder()
            .setName("then")
            .addInitializer(floats("inner", weights(12, 8), 4, 3))
            .addNode(node("MatMul", "t", "x", "inner"))
            .addOutput(value("t", 2, 3));
    GraphProto.Builder otherwise =
        GraphProto.newBuilder()
            .setName("else")
            .addNode(constant(floats("zero", new float[6], 2, 3)))
            .addOutput(value("zero", 2, 3));
    TensorProto yes =
        TensorProto.newBuilder()
            .setName("yes")
            .setDataType(9)
            .setRawData(ByteString.copyFrom(new byte[] {1}))
            .build();
    GraphProto.Builder graph =
        GraphProto.newBuilder()
            .addInput(value("x", 2, 4))
            .addOutput(value("y", 2, 3))
            .addInitializer(yes)
            .addNode(
                node("If", "y", "yes")
                    .addAttribute(body("then_branch", then))
                    .addAttribute(body("else_branch", otherwise)));
    Path in = OnnxModels.write(OnnxModels.model(graph, 17).build(), folder.resolve("in.onnx"));
    Path out = folder.resolve("out.onnx");
    JsonNode report = quantize(in, out, "--bits", 8);
    assertEquals("inner", report.path("layers").get(0).path("name").asText());
    float[] x = weights(8, 3);
    assertArrayEquals(Runtime.run(in, x, 2, 4), Runtime.run(out, x, 2, 4), 1e-3f);
  }

  private static AttributeProto body(String name, GraphProto.Builder graph) {
    return AttributeProto.newBuilder()
        .setName(name)
        .setType(AttributeProto.AttributeType.GRAPH)
        .setG(graph)
        .build();
  }

  private JsonNode quantize(Path in, Path out, Object... more) {
    List<Object> words = new ArrayList<>(List.of("quantize", in, "--out", out));
    words.addAll(List.of(more));
    words.addAll(List.of("--json", "--quiet"));
    Cli run = Cli.run(words.toArray());
    assertEquals(0, run.code(), run.err());
    return run.json();
  }
}
