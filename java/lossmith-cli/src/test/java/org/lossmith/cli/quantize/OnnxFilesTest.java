package org.lossmith.cli.quantize;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.lossmith.cli.onnx.OnnxModels.floats;
import static org.lossmith.cli.onnx.OnnxModels.node;
import static org.lossmith.cli.onnx.OnnxModels.value;
import static org.lossmith.cli.onnx.OnnxModels.weights;

import ai.onnx.proto.OnnxMl.GraphProto;
import ai.onnx.proto.OnnxMl.ModelProto;
import ai.onnx.proto.OnnxMl.StringStringEntryProto;
import ai.onnx.proto.OnnxMl.TensorProto;
import com.google.protobuf.ByteString;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.lossmith.cli.Cli;
import org.lossmith.cli.LeakFreeTest;
import org.lossmith.cli.onnx.OnnxModel;
import org.lossmith.cli.onnx.OnnxModels;
import org.lossmith.cli.onnx.OnnxWriter;
import org.lossmith.cli.onnx.Runtime;

/** Models of ONNX in several files, and every way in which they can be bad. */
class OnnxFilesTest extends LeakFreeTest {
  @TempDir Path folder;

  @Test
  void externalDataIsTakenInOrStaysBeside() throws IOException {
    Path in = external(folder.resolve("in.onnx"), 0);
    Path out = folder.resolve("out.onnx");
    assertEquals(0, Cli.run("quantize", in, "--out", out, "--skip", "fc.*", "--quiet").code());
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

  private static float[] run(Path model) {
    return Runtime.run(model, weights(2 * 3 * 8 * 8, 99), 2, 3, 8, 8);
  }
}
