package org.lossmith.packaging;

import java.io.File;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** A JVM of its own for what cannot be tried in a process that has already loaded the library. */
final class ChildJvm {
  /** What a child left behind. */
  record Result(int exitCode, String output, String errors) {}

  private final List<String> command = new ArrayList<>();
  private final Map<String, String> environment = new HashMap<>();

  private ChildJvm(Path javaHome, Path cache) {
    command.add(javaHome.resolve("bin/java").toString());
    // A cache of its own: nothing extracted by an earlier build may hide what is missing in this.
    command.add("-Dorg.bytedeco.javacpp.cachedir=" + cache);
    command.add("-Xmx256m");
  }

  static ChildJvm of(Path cache) {
    return new ChildJvm(Path.of(System.getProperty("java.home")), cache);
  }

  static ChildJvm of(Path javaHome, Path cache) {
    return new ChildJvm(javaHome, cache);
  }

  ChildJvm options(String... options) {
    command.addAll(List.of(options));
    return this;
  }

  ChildJvm environment(String name, String value) {
    environment.put(name, value);
    return this;
  }

  ChildJvm classPath(List<Path> jars) {
    return options("-cp", join(Stream.concat(jars.stream(), Stream.of(Artifacts.testClasses()))));
  }

  ChildJvm modulePath(List<Path> modules) {
    return options("-p", join(modules.stream()));
  }

  static String join(Stream<Path> paths) {
    return paths.map(Path::toString).collect(Collectors.joining(File.pathSeparator));
  }

  Started start(Object... mainAndArguments) throws IOException {
    for (Object word : mainAndArguments) {
      command.add(word instanceof Class<?> type ? type.getName() : word.toString());
    }
    ProcessBuilder builder = new ProcessBuilder(command);
    // Options from outside would add "Picked up ..." to what is compared here.
    builder.environment().keySet().removeIf(name -> name.endsWith("JAVA_OPTIONS"));
    builder.environment().remove("JAVA_TOOL_OPTIONS");
    builder.environment().putAll(environment);
    Process process = builder.start();
    process.getOutputStream().close();
    return new Started(process);
  }

  Result run(Object... mainAndArguments) throws Exception {
    return start(mainAndArguments).await();
  }

  /** A running child whose output is being read. */
  static final class Started {
    private final Process process;
    private final CompletableFuture<String> output;
    private final CompletableFuture<String> errors;

    private Started(Process process) {
      this.process = process;
      output = CompletableFuture.supplyAsync(() -> text(process.getInputStream()));
      errors = CompletableFuture.supplyAsync(() -> text(process.getErrorStream()));
    }

    Result await() throws Exception {
      if (!process.waitFor(120, TimeUnit.SECONDS)) {
        process.destroyForcibly();
        throw new AssertionError("the child JVM did not end within 120 s");
      }
      return new Result(process.exitValue(), output.get(), errors.get());
    }

    private static String text(InputStream stream) {
      try {
        return new String(stream.readAllBytes(), StandardCharsets.UTF_8);
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }
  }

  /** The JDK 25 of this machine: {@code JAVA25_HOME}, else one under /usr/lib/jvm. */
  static Optional<Path> jdk25() throws IOException {
    List<Path> candidates = new ArrayList<>();
    Optional.ofNullable(System.getenv("JAVA25_HOME")).map(Path::of).ifPresent(candidates::add);
    Path system = Path.of("/usr/lib/jvm");
    if (Files.isDirectory(system)) {
      try (Stream<Path> homes = Files.list(system)) {
        homes.sorted().forEach(candidates::add);
      }
    }
    for (Path candidate : candidates) {
      Path release = candidate.resolve("release");
      if (Files.isRegularFile(release)
          && Files.readString(release).contains("JAVA_VERSION=\"25")
          && Files.isExecutable(candidate.resolve("bin/java"))) {
        return Optional.of(candidate);
      }
    }
    return Optional.empty();
  }
}
