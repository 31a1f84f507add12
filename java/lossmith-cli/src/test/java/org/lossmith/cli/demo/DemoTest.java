package org.lossmith.cli.demo;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.Set;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.lossmith.cli.Cli;
import org.lossmith.cli.Json;
import org.lossmith.cli.LeakFreeTest;

class DemoTest extends LeakFreeTest {
  private static final String[] RESULTS = {"held_out", "zero_shot"};

  @TempDir Path folder;

  @Test
  void learnsDrawsAndRepeatsItself() throws IOException {
    JsonNode first = run(1, 0).json();
    for (JsonNode loss : first.get("losses")) {
      String name = loss.get("name").asText();
      JsonNode start = loss.get("checkpoints").get(0).get("held_out");
      assertTrue(start.get("precision_at1").asDouble() < 0.05, name + " starts by chance");
      for (String result : RESULTS) {
        JsonNode scores = loss.get(result);
        double top = scores.get("precision_at1").asDouble();
        assertTrue(top > 0.3, name + " learns: " + scores);
        assertTrue(scores.get("mean_reciprocal_rank").asDouble() > top, scores.toString());
        assertTrue(scores.get("precision_at5").asDouble() > top, scores.toString());
      }
      assertTrue(loss.get("workspace_bytes").asLong() > 0);
    }
    JsonNode several = first.get("several");
    assertEquals(3, several.get("losses").size());
    for (JsonNode loss : several.get("losses")) {
      assertTrue(loss.get("recall_at5").asDouble() > 0.15, "by chance one in 160: " + loss);
      assertEquals(20, loss.get("recall").size());
      assertEquals(loss.get("recall_at5"), loss.get("recall").get(4));
      // Two entities of five at most.
      assertTrue(loss.get("precision_at5").asDouble() <= 0.4, loss.toString());
      assertTrue(loss.get("trained_spread").asDouble() > 0, loss.toString());
      assertTrue(loss.get("held_out_spread").asDouble() > 0, loss.toString());
    }
    JsonNode quantized = first.get("quantized");
    assertEquals((1L << 15) * 64 * 4, quantized.get("bytes").asLong());
    double exact = quantized.get("held_out").get("precision_at1").asDouble();
    assertEquals(8, quantized.get("tables").size());
    for (JsonNode table : quantized.get("tables")) {
      int bits = table.get("bits").asInt();
      // Codes, a scale for each slot, and one exponent.
      assertEquals((1L << 15) * (64 * bits / 8 + 4) + 4, table.get("bytes").asLong());
      double top = table.get("held_out").get("precision_at1").asDouble();
      assertTrue(top > exact - (bits == 8 ? 0.01 : bits == 4 ? 0.05 : 0.3), table.toString());
      assertTrue(table.get("exponent").asDouble() > 0.1, table.toString());
    }
    assertEquals(1, quantized.get("tables").get(0).get("exponent").asDouble());
    assertEquals(1024L * 1024 * 4, first.get("memory").get("one_matrix").asLong());
    assertEquals(first, Json.read(Files.readString(folder.resolve("report.json"))));
    for (String chart :
        new String[] {
          "learning-curves", "map-infonce", "map-cwcl", "several-entities", "table-in-few-bits"
        }) {
      assertShowsSomething(folder.resolve(chart + ".png"));
      assertTrue(Files.readString(folder.resolve(chart + ".svg")).contains("<svg"));
    }

    // Neither a second run nor another number of threads changes a digit.
    assertEquals(scores(first), scores(run(1, 1).json()));
    assertNotEquals(scores(first), scores(run(2, 0).json()));
  }

  private Cli run(long seed, int threads) {
    Cli run =
        Cli.run(
            "demo",
            "--quick",
            "--epochs",
            1,
            "--seed",
            seed,
            "--threads",
            threads,
            "--out",
            folder,
            "--quiet",
            "--json");
    assertEquals(0, run.code(), run.err());
    assertEquals("", run.err());
    assertFalse(run.out().contains("\u001b"), "no colours off a terminal");
    return run;
  }

  /** Everything that the seed decides about: losses and scores, not times. */
  private static String scores(JsonNode report) {
    StringBuilder scores = new StringBuilder();
    for (JsonNode loss : report.get("losses")) {
      loss.get("epochs").forEach(epoch -> scores.append(epoch.get("loss")).append('\n'));
      scores.append(loss.get("checkpoints")).append('\n');
    }
    scores.append(report.get("quantized").get("tables")).append('\n');
    for (JsonNode loss : report.get("several").get("losses")) {
      for (String name : new String[] {"losses", "recall", "trained_spread", "held_out_spread"}) {
        scores.append(loss.get(name)).append('\n');
      }
    }
    return scores.toString();
  }

  private static void assertShowsSomething(Path png) throws IOException {
    BufferedImage image = ImageIO.read(png.toFile());
    Set<Integer> colours = new HashSet<>();
    for (int y = 0; y < image.getHeight(); y += 3) {
      for (int x = 0; x < image.getWidth(); x += 3) {
        colours.add(image.getRGB(x, y));
      }
    }
    assertTrue(colours.size() > 20, png + " shows " + colours.size() + " colours");
  }
}
