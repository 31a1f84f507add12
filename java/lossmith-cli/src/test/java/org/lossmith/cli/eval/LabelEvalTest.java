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
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.lossmith.Tensor;
import org.lossmith.cli.Cli;
import org.lossmith.cli.LeakFreeTest;
import org.lossmith.cli.npy.NpyBytes;
import org.lossmith.cli.npy.NpyFiles;
import org.lossmith.cli.npy.NpzBytes;

/** The losses over labels on files, against values that float64 scripts computed. */
class LabelEvalTest extends LeakFreeTest {
  private static final double[][] SCORES = {{2, 0.5, -1, 1, 0}, {-0.5, 1.5, 0.3, 2.2, -2}};
  private static final double[][] UNITS = {
    {1, 0, 0, 0, 0}, {0, 1, 0, 0, 0}, {0, 0, 1, 0, 0}, {0, 0, 0, 1, 0}, {0, 0, 0, 0, 1}
  };
  private static final double DECOUPLED = 0.89581426107695;
  private static final double[] GRAD_SCORES = {
    -0.0724750193,
    0.1114836725,
    0.0248753697,
    -0.1315022884,
    0.0676182655,
    0.0194420453,
    -0.3563416369,
    0.0432690674,
    0.2892924176,
    0.0043381067
  };
  private static final double PRINTED = 1e-9;

  @TempDir Path folder;

  @BeforeEach
  void writeInputs() throws IOException {
    NpyBytes.matrix(file("s.npy"), SCORES);
    NpyBytes.matrix(file("x.npy"), SCORES);
    NpyBytes.matrix(file("y.npy"), UNITS);
    sets("p.npz", 5, new long[] {0, 2, 3}, new int[] {0, 3, 1}, new float[] {1, 1, 1});
    NpyBytes.write(file("t.npy"), NpyBytes.dictionary("<i4", false, 2), NpzBytes.ints(3, 1));
  }

  private void sets(String name, long columns, long[] indptr, int[] indices, float[] data)
      throws IOException {
    NpzBytes.matrix()
        .put("indices", "<i4", NpzBytes.ints(indices), indices.length)
        .put("indptr", "<i8", NpzBytes.longs(indptr), indptr.length)
        .put("shape", "<i8", NpzBytes.longs(indptr.length - 1, columns), 2)
        .put("data", "<f4", NpzBytes.floats(data), data.length)
        .write(file(name), true);
  }

  private Path file(String name) {
    return folder.resolve(name);
  }

  @ParameterizedTest
  @CsvSource({
    "decoupled-softmax, 0.89581426107695",
    "soft-topk --k=2, 0.29084892099336845",
    "multilabel-infonce, 1.6980229878138426",
    "bce, 0.6382532388262525",
  })
  void scoresHaveTheGoldenValues(String words, double loss) {
    JsonNode json = json(words + " --scores s.npy --positives p.npz");
    assertEquals(loss, json.get("loss").asDouble(), PRINTED);
    assertEquals("csr", json.get("inputs").get("positives").get("dtype").asText());
    assertEquals("[2,5]", json.get("inputs").get("positives").get("shape").toString());
  }

  @Test
  void embeddingsAndScoresAgreeAndGradientsAreWritten() {
    JsonNode json =
        json(
            "decoupled-softmax --x x.npy --y y.npy --positives p.npz --grad-x gx.npy"
                + " --grad-y gy.npy --grad-log-scale gt.npy --grad-temperature gtau.npy"
                + " --row-loss rows.npy");
    assertEquals(DECOUPLED, json.get("loss").asDouble(), 1e-12);
    // The labels are unit vectors: the gradient of x is that of the scores.
    assertArrayEquals(GRAD_SCORES, values("gx.npy"), PRINTED);
    double[] gradY = new double[25];
    double gradLogScale = 0;
    for (int j = 0; j < 5; j++) {
      for (int k = 0; k < 5; k++) {
        gradY[5 * j + k] = GRAD_SCORES[j] * SCORES[0][k] + GRAD_SCORES[5 + j] * SCORES[1][k];
      }
      gradLogScale += GRAD_SCORES[j] * SCORES[0][j] + GRAD_SCORES[5 + j] * SCORES[1][j];
    }
    assertArrayEquals(gradY, values("gy.npy"), PRINTED);
    assertArrayEquals(new double[] {gradLogScale}, values("gt.npy"), PRINTED);
    assertArrayEquals(new double[] {-gradLogScale}, values("gtau.npy"), PRINTED);
    assertEquals(DECOUPLED, Arrays.stream(values("rows.npy")).sum() / 2, 1e-12);
    json("decoupled-softmax --scores s.npy --positives p.npz --grad-scores gs.npy");
    assertArrayEquals(GRAD_SCORES, values("gs.npy"), PRINTED);
  }

  @Test
  void softTopKWritesThresholdsAndTakesAKForEachRow() throws IOException {
    json("soft-topk --scores s.npy --positives p.npz --k 2 --threshold th.npy");
    assertArrayEquals(new double[] {-0.8455395645, -0.8907830511}, values("th.npy"), PRINTED);
    NpyBytes.write(file("k.npy"), NpyBytes.dictionary("<i8", false, 2), NpzBytes.longs(2, 1));
    json("soft-topk --scores s.npy --positives p.npz --k-rows k.npy --threshold rows.npy");
    double[] rows = values("rows.npy");
    assertEquals(-0.8455395645, rows[0], PRINTED);
    double selected = 0;
    for (double score : SCORES[1]) {
      selected += 1 / (1 + Math.exp(-2 * (score + rows[1])));
    }
    assertEquals(1, selected, 1e-6);
  }

  @Test
  void relevancesCountWhenAskedFor() throws IOException {
    sets("w.npz", 5, new long[] {0, 2, 3}, new int[] {0, 3, 1}, new float[] {1, 0.5f, 2});
    String words = "decoupled-softmax --scores s.npy --reduction none --positives ";
    JsonNode plain = json(words + "w.npz").get("row_loss");
    JsonNode weighted = json(words + "w.npz --weighted").get("row_loss");
    JsonNode summed = json(words + "p.npz --sum-positives").get("row_loss");
    assertEquals(2 * plain.get(1).asDouble(), weighted.get(1).asDouble(), 1e-12);
    assertTrue(weighted.get(0).asDouble() < plain.get(0).asDouble());
    assertEquals(2 * plain.get(0).asDouble(), summed.get(0).asDouble(), 1e-12);
  }

  @Test
  void ignoredLabelsAndCandidatesAreLeftOut() throws IOException {
    sets("i.npz", 5, new long[] {0, 2, 3}, new int[] {2, 4, 4}, new float[] {1, 1, 1});
    NpyBytes.write(file("c.npy"), NpyBytes.dictionary("<i4", false, 4), NpzBytes.ints(0, 1, 2, 3));
    String words = "multilabel-infonce --scores s.npy --positives p.npz --reduction none";
    double[] expected = {
      2 * lse(2, 0.5, 1) - 3, lse(-0.5, 1.5, 0.3, 2.2) - 1.5,
    };
    JsonNode ignored = json(words + " --ignored i.npz").get("row_loss");
    assertEquals(expected[0], ignored.get(0).asDouble(), 1e-12);
    assertEquals(expected[1], ignored.get(1).asDouble(), 1e-12);
    JsonNode chosen = json(words + " --candidates c.npy").get("row_loss");
    assertEquals(2 * lse(2, 0.5, -1, 1) - 3, chosen.get(0).asDouble(), 1e-12);
    JsonNode mean = json("supcon --scores s.npy --positives p.npz --candidates c.npy");
    double half = (2 * lse(2, 0.5, -1, 1) - 3) / 2;
    assertEquals((half + expected[1]) / 2, mean.get("loss").asDouble(), 1e-12);
  }

  private static double lse(double... z) {
    return Math.log(Arrays.stream(z).map(Math::exp).sum());
  }

  @Test
  void targetsMayBeLabelsOrDistributions() throws IOException {
    NpyBytes.matrix(file("q.npy"), new double[][] {{0, 0, 0, 1, 0}, {0, 1, 0, 0, 0}});
    double expected = (lse(SCORES[0]) - 1 + lse(SCORES[1]) - 1.5) / 2;
    for (String target : List.of("--target t.npy", "--soft-target q.npy")) {
      JsonNode json = json("softmax-ce --x x.npy --y y.npy " + target);
      assertEquals(expected, json.get("loss").asDouble(), 1e-12);
    }
    JsonNode one = json("softmax-ce --scores s.npy --target t.npy --ignore-index 3");
    assertEquals(lse(SCORES[1]) - 1.5, one.get("loss").asDouble(), 1e-12);
  }

  @Test
  void normalizedSoftmaxHasTheGoldenValues() throws IOException {
    NpyBytes.matrix(file("f.npy"), new double[][] {{1, -.5, .3}, {.2, .8, -.4}});
    NpyBytes.matrix(
        file("w.npy"), new double[][] {{.6, .8, 0}, {0, 1, 0}, {-.8, 0, .6}, {1, 2, 2}});
    NpyBytes.write(file("c.npy"), NpyBytes.dictionary("<i8", false, 2), NpzBytes.longs(0, 2));
    String words = "normalized-softmax --x f.npy --y w.npy --target c.npy --grad-x gf.npy";
    JsonNode json = json(words + " --constraint riemannian");
    assertEquals(7.145050710206245, json.get("loss").asDouble(), 1e-12);
    assertEquals(-.576812108598, values("gf.npy")[0], 1e-11);
    // The last row is not a unit row, which only the other constraints do not mind.
    assertTrue(Math.abs(json(words).get("loss").asDouble() - 7.145) > 0.1);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          2 | decoupled-softmax --x x.npy --y y.npy | --positives: expected a .npz file, got nothing
          2 | bce --x x.npy --positives p.npz | --x: expected --x and --y, or --scores alone, got --x
          2 | bce --scores s.npy --x x.npy --positives p.npz | or --scores alone, got --x, --scores
          2 | bce --positives p.npz | or --scores alone, got neither
          2 | bce --scores s.npy --positives p.npz --grad-x g.npy | --grad-x: expected with --x
          2 | bce --scores s.npy --positives p.npz --grad-bias g.npy | expected with --bias
          2 | bce --scores s.npy --positives p.npz --normalize-y | --normalize-y: expected false
          2 | bce --scores s.npy --positives p.npz --sample -1 | --sample: expected
          2 | soft-topk --scores s.npy --positives p.npz --alpha 0 | --alpha: expected
          2 | soft-topk --scores s.npy --positives p.npz --k 2 --k-rows t.npy | --k: expected only one
          2 | softmax-ce --scores s.npy | exactly one of --target and --soft-target, got neither
          2 | softmax-ce --scores s.npy --target t.npy --soft-target s.npy | got both
          2 | normalized-softmax --x x.npy --y y.npy --target t.npy --scale 0 | --scale: expected
          1 | bce --scores s.npy --positives s.npy | --positives
          1 | bce --scores s.npy --positives narrow.npz | expected shape [2, 5]
          1 | bce --x x.npy --y x.npy --positives p.npz | expected shape [2, 2]
          1 | softmax-ce --scores s.npy --target s.npy | --target
          1 | softmax-ce --scores s.npy --target far.npy | --target
          1 | bce --scores s.npy --positives p.npz --candidates far.npy | --candidates
          """)
  void errorsNameTheFlag(int code, String words, String message) throws IOException {
    sets("narrow.npz", 4, new long[] {0, 2, 3}, new int[] {0, 3, 1}, new float[] {1, 1, 1});
    NpyBytes.write(file("far.npy"), NpyBytes.dictionary("<i4", false, 2), NpzBytes.ints(1, 9));
    Cli run = run(words);
    assertEquals(code, run.code(), run.err());
    assertEquals("", run.out());
    assertEquals(1, run.err().lines().count(), run.err());
    assertTrue(run.err().contains(message), run.err());
    assertFalse(Files.exists(file("g.npy")));
  }

  @Test
  void helpFitsTheTerminal() {
    for (String operation :
        List.of("decoupled-softmax", "soft-topk", "softmax-ce", "normalized-softmax")) {
      Cli run = Cli.run("eval", operation, "--help");
      assertEquals(0, run.code());
      assertTrue(run.out().startsWith("Usage: lossmith eval " + operation + " --x FILE --y FILE"));
      assertTrue(run.out().lines().allMatch(l -> l.length() <= 100), run.out());
    }
  }

  private JsonNode json(String words) {
    Cli run = run(words + " --json");
    assertEquals(0, run.code(), run.err());
    assertEquals("", run.err());
    return run.json();
  }

  /** Runs {@code eval} with the words; those that end like a file stand for one of the folder. */
  private Cli run(String words) {
    List<Object> arguments = new ArrayList<>(List.of("eval"));
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
}
