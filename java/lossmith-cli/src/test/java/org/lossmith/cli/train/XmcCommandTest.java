package org.lossmith.cli.train;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.lossmith.cli.Cli;
import org.lossmith.cli.LeakFreeTest;

class XmcCommandTest extends LeakFreeTest {
  @TempDir static Path folder;

  @BeforeAll
  static void write() throws IOException {
    Topics.write(folder.resolve("train.txt"), 1500, 1);
    Topics.write(folder.resolve("test.txt.gz"), 400, 2);
  }

  @ParameterizedTest
  @EnumSource(LossKind.class)
  void everyLossLearns(LossKind loss) {
    JsonNode report = run("--loss", loss).json();
    JsonNode losses = report.get("losses");
    assertTrue(losses.get(2).asDouble() < losses.get(0).asDouble(), losses.toString());
    JsonNode scores = report.get("scores").get(0);
    JsonNode at1 = scores.get("at").get(0);
    // By chance one in twenty: a point has two labels of forty.
    assertTrue(at1.get("precision").asDouble() > 0.7, scores.toString());
    for (String metric : List.of("recall", "ndcg", "psp")) {
      assertTrue(at1.get(metric).asDouble() > 0.2, metric + scores);
      assertTrue(at1.get(metric).asDouble() <= 1, metric + scores);
    }
    assertEquals(at1.get("precision").asDouble(), at1.get("ndcg").asDouble(), 1e-12);
    assertTrue(scores.get("mean_reciprocal_rank").asDouble() > at1.get("precision").asDouble());
    assertEquals(392, scores.get("points").asInt(), "points with a label");
    assertEquals(30, report.get("unlabelled_points").asInt());
  }

  @ParameterizedTest
  @CsvSource({"sgd,1", "momentum,0.2", "adagrad,0.05", "lion,0.003", "adam,0.02"})
  void everyUpdateLearns(String update, double rate) {
    JsonNode report = run("--update", update, "--label-rate", rate).json();
    JsonNode losses = report.get("losses");
    assertTrue(losses.get(2).asDouble() < losses.get(0).asDouble(), losses.toString());
    double top = report.get("scores").get(0).get("at").get(0).get("precision").asDouble();
    assertTrue(top > 0.7, update + ": " + top);
  }

  @Test
  void theSeedDecidesAndTheThreadsDoNot() {
    String first = result(run("--threads", 1, "--sample", 1));
    assertEquals(first, result(run("--threads", 2, "--sample", 1, "--budget", "1M")));
    assertNotEquals(first, result(run("--threads", 1, "--sample", 1, "--seed", 9)));
    assertNotEquals(first, result(run("--threads", 1)));
  }

  @Test
  void tellsPeopleTheSame() {
    Cli run =
        Cli.run(
            "train",
            "xmc",
            "--train",
            folder.resolve("train.txt"),
            "--test",
            folder.resolve("test.txt.gz"),
            "--epochs",
            1);
    assertEquals(0, run.code(), run.err());
    assertTrue(run.out().contains("PSP@k"), run.out());
    assertTrue(run.out().contains("30 points have no label and took no part."), run.out());
  }

  @Test
  void trainsOnNames() {
    Cli run = Cli.run("train", "xmc", "--quick", "--epochs", 2, "--quiet", "--json");
    assertEquals(0, run.code(), run.err());
    for (JsonNode scores : run.json().get("scores")) {
      double found = scores.get("at").get(2).get("recall").asDouble();
      assertTrue(found > 0.2, "by chance one in 160: " + scores);
    }
  }

  @Test
  void continuesWhereItWasWithTheSameResult() throws IOException {
    Path whole = folder.resolve("whole.ckpt");
    Path parts = folder.resolve("parts.ckpt");
    String expected = result(run("--checkpoint", whole));
    result(run("--checkpoint", parts, "--epochs", 1));
    JsonNode second = run("--checkpoint", parts, "--checkpoint-every", 2).json();
    assertEquals(12, second.get("continued_from").asLong(), "steps of an epoch");
    assertEquals(expected, second.get("losses").toString() + second.get("scores"));
    assertEquals(-1, Files.mismatch(whole, parts), "the same training gives the same bytes");
    // Nothing is left to do, and the result is still told.
    JsonNode third = run("--checkpoint", parts).json();
    assertEquals(expected, third.get("losses").toString() + third.get("scores"));
    assertEquals(36, third.get("continued_from").asLong());
    assertEquals(0, run("--checkpoint", parts, "--restart").json().get("continued_from").asLong());
    try (var files = Files.list(folder)) {
      assertFalse(files.anyMatch(f -> f.toString().endsWith(".part")), "nothing half is left");
    }
  }

  @Test
  void refusesACheckpointOfAnotherTraining() throws IOException {
    Path file = folder.resolve("other.ckpt");
    run("--checkpoint", file, "--epochs", 1);
    byte[] before = Files.readAllBytes(file);
    assertFails(
        "expected a training with --batch 64, got one with 128; --restart begins anew",
        "--checkpoint",
        file,
        "--batch",
        64);
    assertFails(
        "expected a training with --loss bce, got one with decoupled-softmax",
        "--checkpoint",
        file,
        "--loss",
        "bce");
    Path other = Topics.write(folder.resolve("other.txt"), 1500, 3);
    assertFails("expected a training with --train ", "--checkpoint", file, "--train", other);

    for (int length : new int[] {0, 10, 40, before.length / 2, before.length - 1}) {
      Files.write(file, Arrays.copyOf(before, length));
      assertFails("expected a whole checkpoint, got a file that is none: ", "--checkpoint", file);
    }
    byte[] damaged = before.clone();
    damaged[before.length / 2] ^= 1;
    Files.write(file, damaged);
    assertFails("its checksum does not fit", "--checkpoint", file);
    Files.write(file, Arrays.copyOf(before, before.length + 1));
    assertFails("its checksum does not fit", "--checkpoint", file);
    Files.writeString(file, "no checkpoint, but a text of some length");
    assertFails("it does not begin with 'lossmith checkpoint 1'", "--checkpoint", file);
    Files.write(file, before);
    assertEquals(0, run("--checkpoint", file, "--epochs", 1).code());
  }

  @Test
  void namesFlagFileAndPlaceOfBadInput() throws IOException {
    Path bad = Files.writeString(folder.resolve("bad.txt"), "1 600 40\n1 7:x\n");
    assertFails("--train " + bad + ":2:5: expected a finite number, got 'x'", "--train", bad);
    assertFails("--test " + bad + ":2:5: ", "--test", bad);
    Path other = Files.writeString(folder.resolve("wide.txt"), "1 601 40\n1 7:1\n");
    assertFails("expected 600 features as the file to train on has, got 601", "--test", other);
    Files.writeString(other, "1 600 41\n1 7:1\n");
    assertFails("expected 40 labels as the file to train on has, got 41", "--test", other);
    Files.writeString(other, "1 600 40\n 7:1\n");
    assertFails(
        "expected points with labels, got none to train on", "--train", other, "--test", other);
    Files.writeString(other, "1 3000000000 40\n1 7:1\n");
    assertFails("expected from 1 to 2147483639 features, got 3000000000", "--train", other);
    assertFails("no such file or directory", "--train", folder.resolve("no.txt"));
    assertFails("expected a file, got a directory", "--train", folder);
  }

  private static String result(Cli run) {
    return run.json().get("losses").toString() + run.json().get("scores");
  }

  private static void assertFails(String message, Object... flags) {
    Cli run = start(flags);
    assertEquals(1, run.code(), run.err());
    assertEquals(1, run.err().lines().count(), run.err());
    assertTrue(run.err().startsWith("lossmith train xmc: --"), run.err());
    assertTrue(run.err().contains(message), run.err());
  }

  private static Cli run(Object... flags) {
    Cli run = start(flags);
    assertEquals(0, run.code(), run.err());
    assertEquals("", run.err());
    return run;
  }

  /** Runs a small training; flags that are given replace those of the test. */
  private static Cli start(Object... flags) {
    List<Object> words = new ArrayList<>(List.of("train", "xmc", "--quiet", "--json"));
    Object[] defaults = {
      "--train",
      folder.resolve("train.txt"),
      "--test",
      folder.resolve("test.txt.gz"),
      "--epochs",
      3,
      "--batch",
      128,
      "--dimension",
      16,
      "--rate",
      0.05,
      "--label-rate",
      0.05
    };
    List<Object> given = Arrays.asList(flags);
    for (int i = 0; i < defaults.length; i += 2) {
      if (!given.contains(defaults[i])) {
        words.add(defaults[i]);
        words.add(defaults[i + 1]);
      }
    }
    words.addAll(given);
    return Cli.run(words.toArray());
  }
}
