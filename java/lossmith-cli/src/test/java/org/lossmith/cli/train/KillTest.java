package org.lossmith.cli.train;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.lossmith.cli.Json;

/** A training in a process of its own, killed as by {@code kill -9} and started again. */
class KillTest {
  private static final int SIGKILL = 128 + 9;
  private static final int KILLS = 2;
  private static final int EPOCHS = 6;
  private static final int STEPS_PER_EPOCH = 46;

  @TempDir Path folder;

  @Test
  void aKilledTrainingEndsAsIfNothingHadHappened() throws IOException, InterruptedException {
    Topics.write(folder.resolve("train.txt"), 1500, 1);
    Topics.write(folder.resolve("test.txt"), 100, 2);
    Path whole = folder.resolve("whole.ckpt");
    JsonNode expected = finish(start(whole));

    Path killed = folder.resolve("killed.ckpt");
    for (int kill = 1; kill <= KILLS; kill++) {
      Process process = start(killed);
      // A state is kept after every step, so that most of the time one is being written.
      awaitStep(process, killed, kill);
      process.destroyForcibly();
      assertEquals(SIGKILL, process.waitFor(), "killed in the middle");
    }
    JsonNode report = finish(start(killed));
    long before = report.get("continued_from").asLong();
    assertTrue(before > 0 && before < EPOCHS * STEPS_PER_EPOCH, "continued from " + before);
    assertEquals(expected.get("losses"), report.get("losses"));
    assertEquals(expected.get("scores"), report.get("scores"));
    assertEquals(-1, Files.mismatch(whole, killed), "all vectors and states, bit for bit");
  }

  /** Waits until the file was replaced some times since the process was started. */
  private static void awaitStep(Process process, Path file, int times) throws IOException {
    Object seen = key(file);
    for (int changes = 0; changes < 10 * times; ) {
      assertTrue(process.isAlive(), "the training ended before it could be killed");
      Object now = key(file);
      if (now != null && !now.equals(seen)) {
        seen = now;
        changes++;
      }
      Thread.onSpinWait();
    }
  }

  /** What tells a file from the one that takes its place; null: there is none. */
  private static Object key(Path file) throws IOException {
    return Files.exists(file) ? Files.getAttribute(file, "unix:ino") : null;
  }

  private Process start(Path checkpoint) throws IOException {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(List.of("-jar", System.getProperty("lossmith.cli.jar"), "train", "xmc"));
    command.addAll(List.of("--train", folder.resolve("train.txt").toString()));
    command.addAll(List.of("--test", folder.resolve("test.txt").toString()));
    command.addAll(List.of("--checkpoint", checkpoint.toString(), "--checkpoint-every", "1"));
    command.addAll(List.of("--batch", "32", "--dimension", "32", "--sample", "2"));
    command.addAll(List.of("--epochs", Integer.toString(EPOCHS), "--quiet", "--json"));
    return new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.INHERIT).start();
  }

  private static JsonNode finish(Process process) throws IOException, InterruptedException {
    String out = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertTrue(process.waitFor(1, TimeUnit.MINUTES));
    assertEquals(0, process.exitValue());
    return Json.read(out);
  }
}
