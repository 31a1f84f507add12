package org.lossmith.bench.measure;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/**
 * A fresh JVM with this program in it, for what can only be measured in a process of its own. The
 * heap is fixed and touched at the start: what resident memory grows by later is native memory.
 */
public final class Child {
  private static final int TIMEOUT_MINUTES = 10;

  private Child() {}

  /** Runs {@code main} with arguments and returns the last line of its standard output. */
  public static String run(Class<?> main, long heapBytes, List<String> arguments) {
    List<String> command = new ArrayList<>();
    command.add(ProcessHandle.current().info().command().orElse("java"));
    long megabytes = (heapBytes >> 20) + 64;
    command.add("-Xms" + megabytes + "m");
    command.add("-Xmx" + megabytes + "m");
    command.add("-XX:+AlwaysPreTouch");
    command.add("-XX:+UseSerialGC");
    if (Runtime.version().feature() >= 22) {
      command.add("--enable-native-access=ALL-UNNAMED");
    }
    command.add("-cp");
    command.add(System.getProperty("java.class.path"));
    command.add(main.getName());
    command.addAll(arguments);
    try {
      Process process =
          new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.INHERIT).start();
      String output = new String(process.getInputStream().readAllBytes());
      if (!process.waitFor(TIMEOUT_MINUTES, TimeUnit.MINUTES)) {
        process.destroyForcibly();
        throw new IllegalStateException(
            "child process: no end after " + TIMEOUT_MINUTES + " minutes: " + arguments);
      }
      if (process.exitValue() != 0) {
        throw new IllegalStateException(
            "child process: expected exit code 0, got " + process.exitValue() + ": " + arguments);
      }
      return output.strip().lines().reduce("", (first, second) -> second);
    } catch (IOException e) {
      throw new IllegalStateException("child process cannot be started", e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException("benchmark interrupted", e);
    }
  }
}
