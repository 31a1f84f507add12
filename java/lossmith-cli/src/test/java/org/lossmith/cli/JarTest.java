package org.lossmith.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ai.onnx.proto.OnnxMl.GraphProto;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.jar.JarFile;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.lossmith.cli.npy.NpyBytes;
import org.lossmith.cli.onnx.OnnxModels;
import org.lossmith.cli.safetensors.SafetensorsBytes;

/** The packaged jar as the launcher starts it. */
class JarTest {
  @TempDir Path folder;

  @Test
  void tellsItsVersion() throws IOException, InterruptedException {
    Cli run = run("--version");
    assertEquals(0, run.code(), run.err());
    assertEquals("lossmith " + System.getProperty("lossmith.version"), run.out().strip());
    assertEquals("", run.err());
  }

  @Test
  void findsLibrariesAndNatives() throws IOException, InterruptedException {
    Cli run = run("info", "--no-measure", "--json");
    assertEquals(0, run.code(), run.err());
    assertTrue(run.json().has("version"));
    assertEquals("", run.err(), "no warnings");
  }

  @Test
  void exitsWithTheCodeOfTheCommand() throws IOException, InterruptedException {
    Cli run = run("eval", "infonce");
    assertEquals(2, run.code());
    assertFalse(run.err().contains("\u001b"), "no colours off a terminal");
  }

  @Test
  void quantizesAModel() throws IOException, InterruptedException {
    Path in =
        new SafetensorsBytes()
            .floats("w", "[16,32]", OnnxModels.weights(512, 1))
            .write(folder.resolve("in.safetensors"));
    Path out = folder.resolve("out.safetensors");
    Path page = folder.resolve("page.html");
    Cli run = run("quantize", in.toString(), "--out", out.toString(), "--report", page.toString());
    assertEquals(0, run.code(), run.err());
    assertTrue(run.out().contains("times smaller"), run.out());
    assertEquals("w", run.err().strip(), "a line for each stage");
    assertTrue(Files.readString(page).contains("</svg>"));
    Cli list = run("inspect", out.toString(), "--json");
    assertEquals("w.codes", list.json().path("tensors").get(2).path("name").asText());
    assertEquals("", list.err());
  }

  @Test
  void runtimeThatIsNotBroughtAlongIsNamed() throws IOException, InterruptedException {
    GraphProto.Builder graph =
        GraphProto.newBuilder()
            .addInput(OnnxModels.value("x", -1, 2))
            .addOutput(OnnxModels.value("y", -1, 2))
            .addInitializer(OnnxModels.floats("w", new float[] {1, 2, 3, 4}, 2, 2))
            .addNode(OnnxModels.node("MatMul", "y", "x", "w"));
    Path in = OnnxModels.write(OnnxModels.model(graph, 13).build(), folder.resolve("in.onnx"));
    Path data = NpyBytes.matrix(folder.resolve("x.npy"), new double[][] {{1, 2}, {3, 4}, {4, 3}});
    Path out = folder.resolve("out.onnx");
    Path jar = Path.of(System.getProperty("lossmith.cli.jar"));
    try (JarFile file = new JarFile(jar.toFile())) {
      String path = file.getManifest().getMainAttributes().getValue("Class-Path");
      String runtime = path.split(" ")[0];
      Cli run =
          run("quantize", in.toString(), "--out", out.toString(), "--calibration", data.toString());
      if (Files.exists(jar.resolveSibling(runtime))) { // The launcher may have fetched it.
        assertEquals(0, run.code(), run.err());
      } else {
        assertEquals(1, run.code());
        String artifact = runtime.replaceFirst("lib/onnxruntime-(.*)\\.jar", "onnxruntime:$1 ");
        assertTrue(run.err().contains(artifact), run.err());
        assertFalse(Files.exists(out));
      }
    }
  }

  private static Cli run(String... arguments) throws IOException, InterruptedException {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(List.of("-jar", System.getProperty("lossmith.cli.jar")));
    command.addAll(List.of(arguments));
    ProcessBuilder builder = new ProcessBuilder(command);
    Path err = Files.createTempFile("lossmith", ".err");
    try {
      Process process = builder.redirectError(err.toFile()).start();
      String out = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
      int code = process.waitFor();
      return new Cli(code, out, Files.readString(err));
    } finally {
      Files.delete(err);
    }
  }
}
