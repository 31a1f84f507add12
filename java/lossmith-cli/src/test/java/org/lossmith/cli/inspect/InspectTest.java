package org.lossmith.cli.inspect;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.lossmith.cli.Cli;
import org.lossmith.cli.LeakFreeTest;
import org.lossmith.cli.onnx.OnnxModels;
import org.lossmith.cli.safetensors.SafetensorsBytes;

/** What inspect lists. */
class InspectTest extends LeakFreeTest {
  @TempDir Path folder;

  @Test
  void tensorsOfSafetensors() throws IOException {
    Path file =
        new SafetensorsBytes()
            .member("\"__metadata__\":{\"format\":\"pt\"}")
            .floats("w", "[2,2]", 1, -2, Float.NaN, 4)
            .tensor("ids", "I16", "[2]", new byte[4])
            .floats("none", "[0]")
            .write(folder.resolve("m.safetensors"));
    JsonNode json = Cli.run("inspect", file, "--json", "--stats").json();
    assertEquals("safetensors", json.path("format").asText());
    assertEquals("pt", json.path("facts").path("format").asText());
    assertEquals(20, json.path("bytes").asLong());
    JsonNode w = json.path("tensors").get(0);
    assertEquals("w", w.path("name").asText());
    assertEquals(-2, w.path("minimum").asDouble());
    assertEquals(4, w.path("maximum").asDouble());
    assertEquals(1, w.path("mean").asDouble());
    assertEquals(1, w.path("not_finite").asLong());
    Cli text = Cli.run("inspect", file);
    assertEquals(0, text.code(), text.err());
    assertTrue(text.out().contains("I16"), text.out());
    assertTrue(text.out().contains("3 tensors, 6 elements, 20 B."), text.out());
    assertTrue(!text.out().contains("mean"), "elements are read only if asked for");
  }

  @Test
  void constantsOfOnnxAndWhatUsesThem() throws IOException {
    Path file = OnnxModels.write(OnnxModels.network(17), folder.resolve("m.onnx"));
    Cli text = Cli.run("inspect", file, "--stats");
    assertEquals(0, text.code(), text.err());
    assertTrue(
        text.out().lines().anyMatch(l -> l.matches("conv.weight +float .*Conv.*")), text.out());
    assertTrue(
        text.out().lines().anyMatch(l -> l.matches("constant +float .*MatMul.*")), text.out());
    assertTrue(text.out().contains("opset: 17"), text.out());
  }

  @Test
  void badFilesAreRefused() throws IOException {
    Path file = SafetensorsBytes.write(folder.resolve("m.safetensors"), "{", new byte[0]);
    Cli run = Cli.run("inspect", file);
    assertEquals(1, run.code());
    assertEquals(1, run.err().lines().count(), run.err());
    assertTrue(run.err().startsWith("lossmith inspect: " + file), run.err());
  }
}
