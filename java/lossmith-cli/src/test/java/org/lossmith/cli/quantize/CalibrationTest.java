package org.lossmith.cli.quantize;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.lossmith.cli.onnx.OnnxModels.floats;
import static org.lossmith.cli.onnx.OnnxModels.integer;
import static org.lossmith.cli.onnx.OnnxModels.integers;
import static org.lossmith.cli.onnx.OnnxModels.node;
import static org.lossmith.cli.onnx.OnnxModels.value;
import static org.lossmith.cli.onnx.OnnxModels.weights;

import ai.onnx.proto.OnnxMl.GraphProto;
import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.lossmith.Tensor;
import org.lossmith.cli.Cli;
import org.lossmith.cli.LeakFreeTest;
import org.lossmith.cli.npy.NpyFiles;
import org.lossmith.cli.onnx.OnnxModels;
import org.lossmith.cli.onnx.Runtime;
import org.lossmith.cli.safetensors.SafetensorsBytes;

/** Codes that are learned from the inputs of a model's layers. */
class CalibrationTest extends LeakFreeTest {
  private static final int INPUTS = 160;
  private static final int FRESH = 64;
  private static final int SIZE = 2 * 6 * 6;

  @TempDir Path folder;
  private Path in;
  private Path data;

  @BeforeEach
  void writeModelAndInputs() throws IOException {
    // A grouped convolution with stride, uneven padding and dilation, a plain one, two matrices.
    GraphProto.Builder graph =
        GraphProto.newBuilder()
            .addInput(value("x", -1, 2, 6, 6))
            .addOutput(value("y", -1, 6))
            .addInitializer(floats("depth", weights(4 * 9, 1), 4, 1, 3, 3))
            .addInitializer(floats("conv", weights(8 * 4 * 9, 2), 8, 4, 3, 3))
            .addInitializer(floats("gemm", weights(10 * 48, 3), 10, 48))
            .addInitializer(floats("matmul", weights(10 * 6, 4), 10, 6))
            .addNode(
                node("Conv", "a", "x", "depth")
                    .addAttribute(integer("group", 2))
                    .addAttribute(integers("pads", 2, 1, 1, 2))
                    .addAttribute(integers("dilations", 2, 1)))
            .addNode(node("Relu", "b", "a"))
            .addNode(
                node("Conv", "c", "b", "conv")
                    .addAttribute(integers("strides", 2, 2))
                    .addAttribute(integers("pads", 0, 0, 0, 0)))
            .addNode(node("Relu", "d", "c"))
            .addNode(node("Flatten", "e", "d"))
            .addNode(node("Gemm", "f", "e", "gemm").addAttribute(integer("transB", 1)))
            .addNode(node("Relu", "g", "f"))
            .addNode(node("MatMul", "y", "g", "matmul"));
    in = OnnxModels.write(OnnxModels.model(graph, 17).build(), folder.resolve("in.onnx"));
    data = folder.resolve("data.npy");
    try (Tensor x = Tensor.of(inputs(INPUTS, 7), INPUTS, 2, 6, 6)) {
      NpyFiles.write(data, x);
    }
  }

  /** Inputs of few causes, so that their elements go together. */
  private static float[] inputs(int count, long seed) {
    float[] causes = weights(5 * SIZE, 77);
    Random random = new Random(seed);
    float[] x = new float[count * SIZE];
    for (int i = 0; i < count; i++) {
      for (int cause = 0; cause < 5; cause++) {
        float strength = (float) random.nextGaussian();
        for (int j = 0; j < SIZE; j++) {
          x[i * SIZE + j] += strength * causes[cause * SIZE + j];
        }
      }
      for (int j = 0; j < SIZE; j++) {
        x[i * SIZE + j] += (float) (0.01 * random.nextGaussian());
      }
    }
    return x;
  }

  @Test
  void outputsDifferLessThanByWeightsAlone() {
    double alone = error(quantize(folder.resolve("alone.onnx")), "alone.onnx");
    JsonNode report = quantize(folder.resolve("learned.onnx"), "--calibration", data);
    double learned = error(report, "learned.onnx");
    assertTrue(learned < 0.7 * alone, learned + " of " + alone);
    for (JsonNode layer : report.path("layers")) {
      JsonNode calibration = layer.path("calibration");
      String text = layer.toPrettyString();
      assertTrue(
          calibration.path("after").asDouble() <= calibration.path("before").asDouble(), text);
      assertTrue(calibration.path("rows").asLong() >= 128, text);
      assertTrue(calibration.path("before").asDouble() < 0.5, text);
    }
    JsonNode conv = report.path("layers").get(1).path("calibration");
    assertTrue(
        conv.path("held_out_after").asDouble() < 0.9 * conv.path("held_out_before").asDouble());
    assertEquals(true, conv.path("kept").asBoolean());
  }

  /** The squared error of the outputs on inputs that were not seen. */
  private double error(JsonNode report, String name) {
    assertEquals(4, report.path("layers").size());
    float[] x = inputs(FRESH, 8);
    float[] wanted = Runtime.run(in, x, FRESH, 2, 6, 6);
    float[] got = Runtime.run(folder.resolve(name), x, FRESH, 2, 6, 6);
    double sum = 0;
    for (int i = 0; i < wanted.length; i++) {
      sum += (wanted[i] - got[i]) * (wanted[i] - got[i]);
    }
    return sum;
  }

  @Test
  void theUniformGridStaysUniform() {
    JsonNode report =
        quantize(folder.resolve("out.onnx"), "--calibration", data, "--method", "uniform");
    for (JsonNode layer : report.path("layers")) {
      assertEquals(1, layer.path("exponent").asDouble());
      assertTrue(layer.path("calibration").path("rows").asLong() > 0);
    }
  }

  private JsonNode quantize(Path out, Object... more) {
    List<Object> words = new ArrayList<>(List.of("quantize", in, "--out", out, "--bits", 3));
    words.addAll(List.of(more));
    words.addAll(List.of("--json", "--quiet"));
    Cli run = Cli.run(words.toArray());
    assertEquals(0, run.code(), run.err());
    return run.json();
  }

  @Test
  void inputsThatDoNotFitAreRefused() throws IOException {
    Path out = folder.resolve("out.onnx");
    Path wide = folder.resolve("wide.npy");
    try (Tensor x = Tensor.of(new float[INPUTS * 7], INPUTS, 7)) {
      NpyFiles.write(wide, x);
    }
    assertRefused(1, "cannot be run for --calibration", in, wide);
    float[] nan = inputs(INPUTS, 7);
    nan[5] = Float.NaN;
    try (Tensor x = Tensor.of(nan, INPUTS, 2, 6, 6)) {
      NpyFiles.write(wide, x);
    }
    assertRefused(1, "--calibration: tensor 'depth' cannot be calibrated", in, wide);
    try (Tensor x = Tensor.of(new long[] {1, 2}, 2)) {
      NpyFiles.write(wide, x);
    }
    assertRefused(1, "expected inputs of floating-point numbers, got I64", in, wide);
    assertRefused(1, "no such file or directory", in, folder.resolve("none.npy"));
    Path weights =
        new SafetensorsBytes().floats("w", "[1,2]", 1, 2).write(folder.resolve("m.safetensors"));
    assertRefused(2, "--calibration: expected with an ONNX model", weights, data);
    assertTrue(Files.notExists(out));
  }

  private void assertRefused(int code, String message, Path model, Path inputs) {
    Path out = folder.resolve("out.onnx");
    Cli run = Cli.run("quantize", model, "--out", out, "--calibration", inputs, "--quiet");
    assertEquals(code, run.code(), run.err());
    assertTrue(run.err().contains(message), run.err());
    assertEquals(1, run.err().lines().count(), run.err());
  }
}
