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
import org.lossmith.DType;
import org.lossmith.Tensor;
import org.lossmith.cli.Cli;
import org.lossmith.cli.LeakFreeTest;
import org.lossmith.cli.npy.NpyBytes;
import org.lossmith.cli.npy.NpyFiles;

/** Steps of optimizers on files, against numbers by hand. */
class UpdateEvalTest extends LeakFreeTest {
  private static final String COMMON =
      "--weights w.npy --gradient g.npy --learning-rate 0.1 --weight-decay 0.2 --new-weights o.npy";

  @TempDir Path folder;

  @BeforeEach
  void writeInputs() throws IOException {
    NpyBytes.matrix(file("w.npy"), new double[][] {{1, -2}});
    NpyBytes.matrix(file("g.npy"), new double[][] {{0.5, 0.25}});
    NpyBytes.matrix(file("v.npy"), new double[][] {{1, -1}});
    NpyBytes.matrix(file("h.npy"), new double[][] {{0.51, 0.2275}});
    NpyBytes.matrix(file("mv.npy"), new double[][] {{1, -1, 0.51, 0.2275}});
    NpyBytes.matrix(file("wide.npy"), new double[][] {{3, 4, 12}});
  }

  private Path file(String name) {
    return folder.resolve(name);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          --rule momentum --momentum 0.5 --state v.npy         | 0.88  | -1.935 | 1.2   | -0.65
          --rule adagrad --epsilon 1 --state h.npy             | 0.965 | -1.99  | 1     | 0.25
          --rule lion --momentum 0.5 --beta2 0.75 --state v.npy | 0.88 | -1.86  | 0.875 | -0.6875
          """)
  void everyRuleWithAState(String words, double w0, double w1, double s0, double s1) {
    // Repeated runs begin where the first one did.
    JsonNode json = json(COMMON + " " + words + " --new-state s.npy --repeat 3");
    assertArrayEquals(new double[] {w0, w1}, values("o.npy"), 1e-15);
    assertArrayEquals(new double[] {s0, s1}, values("s.npy"), 1e-15);
    assertEquals("[1,2]", json.get("outputs").get("new_weights").get("shape").toString());
    assertFalse(json.has("loss"));
  }

  @Test
  void gradientDescent() {
    json(COMMON + " --repeat 2");
    assertArrayEquals(new double[] {0.93, -1.985}, values("o.npy"), 1e-15);
  }

  /** The first step of Adam, with and without a state: all defaults but the rate and the decay. */
  @Test
  void adamHasAStateTwiceAsWide() {
    json(
        COMMON
            + " --rule adam --momentum 0.5 --beta2 0.75 --epsilon 1 --state mv.npy"
            + " --new-state s.npy --repeat 2");
    double[] stepped = {0.9297888266074684, -1.9374878638526893};
    assertArrayEquals(stepped, values("o.npy"), 1e-15);
    assertArrayEquals(new double[] {0.85, -0.575, 0.505, 0.17625}, values("s.npy"), 1e-15);
    json(COMMON + " --rule adam --new-state s.npy");
    assertArrayEquals(new double[] {0.9, -1.9}, values("o.npy"), 1e-8);
    assertArrayEquals(new double[] {0.07, -0.015, 0.00049, 0.0000225}, values("s.npy"), 1e-15);
  }

  @Test
  void statesBeginAsZeros() {
    json(COMMON + " --rule momentum --new-state s.npy --repeat 2");
    assertArrayEquals(new double[] {0.7, -0.15}, values("s.npy"), 1e-15);
  }

  @Test
  void rowsAreProjectedAndOthersStay() throws IOException {
    NpyBytes.matrix(file("w.npy"), new double[][] {{7, 7}, {3, 4}});
    NpyBytes.matrix(file("g.npy"), new double[][] {{0, 0}});
    try (Tensor ids = Tensor.of(new long[] {1})) {
      NpyFiles.write(file("ids.npy"), ids);
    }
    json("--weights w.npy --gradient g.npy --row-ids ids.npy --project-rows --new-weights o.npy");
    assertArrayEquals(new double[] {7, 7, 0.6, 0.8}, values("o.npy"), 1e-15);
  }

  @Test
  void randomRoundingIsSeeded() throws IOException {
    NpyBytes.matrix(file("w.npy"), new double[8][64]);
    double[][] gradient = new double[8][64];
    for (double[] row : gradient) {
      Arrays.fill(row, -1.00390625);
    }
    NpyBytes.matrix(file("g8.npy"), gradient);
    try (Tensor g = NpyFiles.read(file("g8.npy"));
        Tensor narrow = g.to(DType.F32)) {
      NpyFiles.write(file("g.npy"), narrow);
    }
    String words =
        "--weights w.npy --gradient g.npy --dtype bf16 --learning-rate 1 --stochastic-rounding";
    json(words + " --seed 1 --step 2 --new-weights a.npy");
    json(words + " --seed 1 --step 2 --new-weights b.npy");
    json(words + " --seed 1 --step 3 --new-weights c.npy");
    double[] first = values("a.npy");
    assertArrayEquals(first, values("b.npy"));
    assertFalse(Arrays.equals(first, values("c.npy")));
    for (double w : first) {
      assertTrue(w == 1 || w == 1.0078125, "weight " + w);
    }
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          2 | --weights w.npy | --gradient: expected a .npy file, got nothing
          2 | --weights w.npy --gradient g.npy --learning-rate -1 | --learning-rate: expected
          2 | --weights w.npy --gradient g.npy --momentum 0.5 | --momentum: expected 0 for this rule
          2 | --weights w.npy --gradient g.npy --rule lion --beta2 1 | --beta2: expected
          2 | --weights w.npy --gradient g.npy --rule newton | newton
          2 | --weights w.npy --gradient g.npy --state v.npy | --state: expected a rule that keeps
          2 | --weights w.npy --gradient g.npy --new-state s.npy | --new-state: expected a rule
          1 | --weights w.npy --gradient wide.npy | expected [1,2], got [1,3]
          1 | --weights w.npy --gradient g.npy --rule adagrad --state wide.npy | expected [1,2]
          1 | --weights w.npy --gradient g.npy --stochastic-rounding | expected bf16 or f16
          1 | --weights w.npy --gradient g.npy --dtype f32 | expected f32, got f64
          """)
  void errorsNameTheFlag(int code, String words, String message) {
    Cli run = run(words + " --new-weights o.npy");
    assertEquals(code, run.code(), run.err());
    assertEquals("", run.out());
    assertTrue(run.err().contains(message), run.err());
    assertFalse(Files.exists(file("o.npy")));
  }

  @Test
  void helpFitsTheTerminal() {
    Cli run = Cli.run("eval", "update", "--help");
    assertEquals(0, run.code());
    assertTrue(
        run.out().startsWith("Usage: lossmith eval update --weights FILE --gradient FILE"),
        run.out());
    assertTrue(run.out().contains("--new-weights=FILE"), run.out());
    assertTrue(run.out().lines().allMatch(l -> l.length() <= 100), run.out());
  }

  private JsonNode json(String words) {
    Cli run = run(words + " --json");
    assertEquals(0, run.code(), run.err());
    assertEquals("", run.err());
    return run.json();
  }

  /** Runs {@code eval update}; words that end like a file stand for one of the folder. */
  private Cli run(String words) {
    List<Object> arguments = new ArrayList<>(List.of("eval", "update"));
    for (String word : words.trim().split(" +")) {
      arguments.add(word.endsWith(".npy") ? file(word) : word);
    }
    return Cli.run(arguments.toArray());
  }

  private double[] values(String name) {
    try (Tensor tensor = NpyFiles.read(file(name))) {
      return tensor.toDoubleArray();
    }
  }
}
