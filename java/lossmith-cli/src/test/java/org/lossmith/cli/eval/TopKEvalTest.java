package org.lossmith.cli.eval;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.lossmith.DType;
import org.lossmith.Tensor;
import org.lossmith.cli.Cli;
import org.lossmith.cli.LeakFreeTest;
import org.lossmith.cli.npy.NpyBytes;
import org.lossmith.cli.npy.NpyFiles;
import org.lossmith.cli.npy.NpzBytes;

/** Retrieval on files, against rankings that can be read off. */
class TopKEvalTest extends LeakFreeTest {
  // Row 0 ranks its labels 1, 3, 0, 2; row 1 ranks 0, 2, 1, 3; row 2 ranks 2, 0, 3, 1.
  private static final double[][] SCORES = {{0, 3, -2, 1}, {4, 0.5, 2, -1}, {0.5, -4, 3, 0}};
  private static final double[][] UNITS = {{1, 0, 0, 0}, {0, 1, 0, 0}, {0, 0, 1, 0}, {0, 0, 0, 1}};
  private static final double TIGHT = 1e-15;

  @TempDir Path folder;

  @BeforeEach
  void writeInputs() throws IOException {
    NpyBytes.matrix(file("s.npy"), SCORES);
    NpyBytes.matrix(file("x.npy"), SCORES);
    NpyBytes.matrix(file("y.npy"), UNITS);
    // Labels 1 and 3 of row 0, none of row 1, label 0 of row 2.
    NpzBytes.matrix().put("data", "<f4", NpzBytes.floats(1, 1, 1), 3).write(file("p.npz"), true);
  }

  private Path file(String name) {
    return folder.resolve(name);
  }

  @ParameterizedTest
  @CsvSource({"--scores s.npy", "--x x.npy --y y.npy"})
  void writesLabelsAndScores(String inputs) {
    JsonNode json = json(inputs + " --k 2 --output-ids ids.npy --output-scores best.npy");
    assertArrayEquals(new long[] {1, 3, 0, 2, 2, 0}, labels("ids.npy"));
    assertArrayEquals(new double[] {3, 1, 4, 2, 3, 0.5}, values("best.npy"), 0);
    assertEquals("[3,2]", json.get("outputs").get("output_ids").get("shape").toString());
    assertEquals("i64", json.get("outputs").get("output_ids").get("dtype").asText());
    assertFalse(json.has("loss"));
    assertFalse(json.has("MRR"));
  }

  @Test
  void excludedLabelsAreLeftOut() {
    json("--scores s.npy --k 4 --excluded p.npz --output-ids ids.npy --output-scores best.npy");
    assertArrayEquals(new long[] {0, 2, -1, -1, 0, 2, 1, 3, 2, 3, 1, -1}, labels("ids.npy"));
    assertEquals(Double.NEGATIVE_INFINITY, values("best.npy")[2]);
  }

  @Test
  void scoresAreScaledAndShifted() throws IOException {
    NpyBytes.matrix(file("b.npy"), new double[][] {{0, 0, 7, 0}});
    try (Tensor row = NpyFiles.read(file("b.npy"));
        Tensor bias = Tensor.of(row.toDoubleArray())) {
      NpyFiles.write(file("bias.npy"), bias);
    }
    json("--scores s.npy --k 1 --temperature 2 --bias bias.npy --output-scores best.npy");
    assertArrayEquals(new double[] {6, 8, 8.5}, values("best.npy"), 0);
    json("--x x.npy --y y.npy --k 1 --normalize-x --normalize-y --output-scores best.npy");
    assertEquals(3 / Math.sqrt(14), values("best.npy")[0], 1e-14);
  }

  @Test
  void printsMetrics() {
    JsonNode json = json("--scores s.npy --k 2 --positives p.npz");
    double second = Math.log(2) / Math.log(3);
    assertEquals(0.5, json.get("P@1").asDouble(), TIGHT);
    assertEquals((1 + 0.5) / 2, json.get("P@2").asDouble(), TIGHT);
    assertEquals((0.5 + 0) / 2, json.get("R@1").asDouble(), TIGHT);
    assertEquals(1, json.get("R@2").asDouble(), TIGHT);
    assertEquals((1 + second) / 2, json.get("nDCG@2").asDouble(), TIGHT);
    assertEquals((1 + 0.5) / 2, json.get("MRR").asDouble(), TIGHT);
    String text = run("--scores s.npy --k 2 --positives p.npz").out();
    assertTrue(text.startsWith("P@1               0.5"), text);
    assertTrue(text.contains("top-k on cpu with"), text);
    assertFalse(text.contains("plan"), text);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          2 | --x x.npy | --x: expected --x and --y, or --scores alone, got --x
          2 | --scores s.npy --k 0 | --k: expected
          2 | --scores s.npy --temperature 0 | --temperature: expected
          2 | --scores s.npy --normalize-y | --normalize-y: expected 0
          2 | --scores s.npy --row-loss r.npy | --row-loss
          1 | --scores s.npy --positives s.npy | --positives
          1 | --x x.npy --y p.npz | --y
          1 | --scores x.npy --excluded narrow.npz | expected shape [3, 4]
          """)
  void errorsNameTheFlag(int code, String words, String message) throws IOException {
    NpzBytes.matrix().put("shape", "<i8", NpzBytes.longs(3, 5), 2).write(file("narrow.npz"), true);
    Cli run = run(words + " --output-ids ids.npy");
    assertEquals(code, run.code(), run.err());
    assertEquals("", run.out());
    assertTrue(run.err().contains(message), run.err());
    assertFalse(Files.exists(file("ids.npy")));
  }

  @Test
  void helpFitsTheTerminal() {
    Cli run = Cli.run("eval", "top-k", "--help");
    assertEquals(0, run.code());
    assertTrue(run.out().startsWith("Usage: lossmith eval top-k --x FILE --y FILE"), run.out());
    assertTrue(run.out().contains("--output-ids=FILE"), run.out());
    assertFalse(run.out().contains("--row-loss"), run.out());
    assertTrue(run.out().lines().allMatch(l -> l.length() <= 100), run.out());
  }

  private JsonNode json(String words) {
    Cli run = run(words + " --json");
    assertEquals(0, run.code(), run.err());
    assertEquals("", run.err());
    return run.json();
  }

  /** Runs {@code eval top-k}; words that end like a file stand for one of the folder. */
  private Cli run(String words) {
    List<Object> arguments = new ArrayList<>(List.of("eval", "top-k"));
    for (String word : words.split(" ")) {
      boolean isFile = word.endsWith(".npy") || word.endsWith(".npz");
      arguments.add(isFile ? file(word) : word);
    }
    return Cli.run(arguments.toArray());
  }

  private double[] values(String name) {
    try (Tensor tensor = NpyFiles.read(file(name))) {
      return tensor.toDoubleArray();
    }
  }

  private long[] labels(String name) {
    try (Tensor tensor = NpyFiles.read(file(name))) {
      assertEquals(DType.I64, tensor.dtype());
      long[] labels = new long[(int) tensor.elements()];
      tensor.asByteBuffer().asLongBuffer().get(labels);
      return labels;
    }
  }
}
