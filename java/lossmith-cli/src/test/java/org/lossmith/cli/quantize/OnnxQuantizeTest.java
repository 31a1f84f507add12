package org.lossmith.cli.quantize;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
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
import ai.onnx.proto.OnnxMl.StringStringEntryProto;
import ai.onnx.proto.OnnxMl.TensorProto;
import com.fasterxml.jackson.databind.JsonNode;
import com.google.protobuf.ByteString;
import java.io.IOException;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Stream;
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
import org.lossmith.cli.onnx.OnnxWriter;
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
  void aFileOfTheInputIsNotOverwritten() throws IOException {
    Path in = external(folder.resolve("in.onnx"), 0);
    byte[] weights = Files.readAllBytes(folder.resolve("weights.bin"));
    Files.move(folder.resolve("weights.bin"), folder.resolve("out.onnx.data"));
    OnnxModel model = OnnxModel.read(in);
    model
        .proto()
        .getGraphBuilder()
        .getInitializerBuilder(0)
        .getExternalDataBuilder(0)
        .setValue("out.onnx.data");
    OnnxModels.write(model.proto().build(), in);
    for (String out : List.of("in.onnx", "out.onnx", "out.onnx.data")) {
      Cli run = Cli.run("quantize", in, "--out", folder.resolve(out), "--quiet");
      assertEquals(2, run.code(), run.err());
      assertTrue(run.err().contains("expected another file than those of the model"), run.err());
    }
    assertArrayEquals(weights, Files.readAllBytes(folder.resolve("out.onnx.data")));
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

  @Test
  void externalDataIsTakenInOrStaysBeside() throws IOException {
    Path in = external(folder.resolve("in.onnx"), 0);
    Path out = folder.resolve("out.onnx");
    quantize(in, out, "--skip", "fc.*");
    float[] got = run(out);
    Path split = folder.resolve("split.onnx");
    OnnxModel model = OnnxModel.read(out);
    assertFalse(model.proto().toString().contains("EXTERNAL"), "small models are one file");
    new OnnxWriter(model, 0).write(split);
    assertTrue(Files.size(OnnxWriter.dataFile(split)) > 4000);
    assertArrayEquals(got, run(split));
    // From a file beside the model to another one.
    new OnnxWriter(OnnxModel.read(split), 0).write(folder.resolve("again.onnx"));
    assertArrayEquals(got, run(folder.resolve("again.onnx")));
  }

  /** The network with its first weights in a file beside it. */
  private Path external(Path file, long shift) throws IOException {
    ModelProto.Builder model = OnnxModels.network(17).toBuilder();
    TensorProto.Builder weight = model.getGraphBuilder().getInitializerBuilder(0);
    byte[] bytes = new byte[64 + weight.getRawData().size()];
    weight.getRawData().copyTo(bytes, 64);
    Files.write(folder.resolve("weights.bin"), bytes);
    weight
        .clearRawData()
        .setDataLocation(TensorProto.DataLocation.EXTERNAL)
        .addExternalData(entry("location", "weights.bin"))
        .addExternalData(entry("offset", Long.toString(64 + shift)))
        .addExternalData(entry("length", Integer.toString(bytes.length - 64)));
    return OnnxModels.write(model.build(), file);
  }

  private static StringStringEntryProto entry(String key, String value) {
    return StringStringEntryProto.newBuilder().setKey(key).setValue(value).build();
  }

  @Test
  void badModelsAreRefusedAndNothingIsWritten() throws IOException {
    byte[] whole = OnnxModels.network(17).toByteArray();
    Path in = folder.resolve("in.onnx");
    Files.write(in, Arrays.copyOf(whole, whole.length / 2));
    assertRefused(in, "expected a whole ONNX model");
    Files.writeString(in, "no model");
    assertRefused(in, "expected");
    Files.write(in, new byte[0]);
    assertRefused(in, "with ir_version and graph");
    OnnxModels.write(OnnxModels.network(6), in);
    assertRefused(in, "expected opset 7 or later for decoding nodes, got 6");
    external(in, 4);
    assertRefused(in, "tensor 'conv.weight': expected 756 bytes at offset 68, got a file of 820");
    Files.delete(folder.resolve("weights.bin"));
    assertRefused(in, "weights.bin: tensor 'conv.weight': no such file");
    ModelProto.Builder short1 = OnnxModels.network(17).toBuilder();
    short1.getGraphBuilder().getInitializerBuilder(0).setRawData(ByteString.copyFrom(new byte[8]));
    OnnxModels.write(short1.build(), in);
    assertRefused(in, "tensor 'conv.weight': expected 756 bytes for float [7, 3, 3, 3], got 8");
    ModelProto.Builder nan = OnnxModels.network(17).toBuilder();
    float[] values = weights(45, 5);
    values[7] = Float.NaN;
    nan.getGraphBuilder().setInitializer(4, floats("fc2.weight", values, 9, 5));
    OnnxModels.write(nan.build(), in);
    assertRefused(in, "tensor 'fc2.weight': expected finite weights, got NaN at [1, 2]");
    nan.getGraphBuilder().getInitializerBuilder(4).setDataType(77);
    OnnxModels.write(nan.build(), in);
    assertRefused(in, "tensor 'fc2.weight': expected a data type of ONNX, 1 to 23, got 77");
    ModelProto.Builder outside = OnnxModels.network(17).toBuilder();
    outside
        .getGraphBuilder()
        .getInitializerBuilder(0)
        .setDataLocation(TensorProto.DataLocation.EXTERNAL)
        .addExternalData(entry("location", "../secret"));
    OnnxModels.write(outside.build(), in);
    assertRefused(in, "expected a location within the folder of the model, got '../secret'");
    GraphProto.Builder none =
        GraphProto.newBuilder()
            .addInput(value("x", 2, 0))
            .addOutput(value("y", 2, 3))
            .addInitializer(floats("w", new float[0], 0, 3))
            .addNode(node("MatMul", "y", "x", "w"));
    OnnxModels.write(OnnxModels.model(none, 17).build(), in);
    assertRefused(in, "expected weights to quantize, got none");
  }

  private void assertRefused(Path in, String message) throws IOException {
    Path out = Files.writeString(folder.resolve("out.onnx"), "before");
    Cli run = Cli.run("quantize", in, "--out", out, "--quiet");
    assertEquals(1, run.code(), run.err());
    assertEquals(1, run.err().lines().count(), run.err());
    assertTrue(run.err().contains(message), run.err());
    assertEquals("before", Files.readString(out));
    try (Stream<Path> files = Files.list(folder)) {
      assertTrue(files.noneMatch(f -> f.toString().endsWith(".part")), "remains");
    }
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
