package org.lossmith.packaging;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.UnaryOperator;
import java.util.jar.JarOutputStream;
import java.util.stream.Stream;
import java.util.zip.ZipEntry;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.lossmith.packaging.children.LoadFailure;
import org.lossmith.packaging.children.WhichNatives;

/**
 * Natives with CUDA are preferred over those for the CPU, and replaced by them where they do not
 * load. Which jar is taken does not depend on what is in the libraries, so that the natives for the
 * CPU under the other name do for most of it: these tests need no CUDA.
 */
class NativeChoiceTest {
  private static final String CPU = Artifacts.PLATFORM;
  private static final String GPU = Artifacts.PLATFORM + "-gpu";
  private static final String CORE = "liblossmith.so.0";
  private static final String GLUE = "libjniLossmithNative.so";
  private static final UnaryOperator<byte[]> AS_IT_IS = UnaryOperator.identity();

  @TempDir Path scratch;

  /** The natives for the CPU under the name of those with CUDA, changed; null: left out. */
  private Path gpuJar(UnaryOperator<byte[]> core, UnaryOperator<byte[]> glue) throws IOException {
    Path jar = scratch.resolve("lossmith-natives-gpu.jar");
    try (OutputStream file = Files.newOutputStream(jar);
        JarOutputStream out = new JarOutputStream(file)) {
      add(out, CORE, core);
      add(out, GLUE, glue);
    }
    return jar;
  }

  private static void add(JarOutputStream out, String name, UnaryOperator<byte[]> change)
      throws IOException {
    if (change != null) {
      byte[] bytes =
          Artifacts.read(Artifacts.nativeJar(), "org/lossmith/internal/" + CPU + "/" + name);
      out.putNextEntry(new ZipEntry("org/lossmith/internal/" + GPU + "/" + name));
      out.write(change.apply(bytes));
    }
  }

  private ChildJvm.Result run(Class<?> program, List<Path> jars, String... options)
      throws Exception {
    return ChildJvm.of(scratch.resolve("cache")).options(options).classPath(jars).run(program);
  }

  private static List<Path> with(Path gpu) {
    List<Path> jars = new ArrayList<>(Artifacts.runtimeJars(name -> true));
    jars.add(gpu);
    return jars;
  }

  private static List<Path> withOnly(Path gpu) {
    List<Path> jars = new ArrayList<>(Artifacts.runtimeJars(name -> !isNatives(name)));
    jars.add(gpu);
    return jars;
  }

  private static boolean isNatives(String name) {
    return name.startsWith("lossmith-") && name.contains(CPU);
  }

  private static void assertTaken(String folder, ChildJvm.Result result) {
    assertEquals(0, result.exitCode(), () -> "output: " + result.output() + result.errors());
    List<String> lines = result.output().lines().toList();
    assertTrue(lines.get(0).startsWith("loss 0.77"), result.output());
    assertEquals(
        List.of("lossmith@.0 of " + folder, "jniLossmithNative of " + folder, "properties kept"),
        lines.subList(1, lines.size()));
  }

  @Test
  void withBothJarsTheOneWithCudaIsTakenInSilence() throws Exception {
    ChildJvm.Result result = run(WhichNatives.class, with(gpuJar(AS_IT_IS, AS_IT_IS)));
    assertTaken(GPU, result);
    assertEquals("", result.errors());
  }

  @Test
  void theOneWithCudaSuffices() throws Exception {
    ChildJvm.Result result = run(WhichNatives.class, withOnly(gpuJar(AS_IT_IS, AS_IT_IS)));
    assertTaken(GPU, result);
    assertEquals("", result.errors());
  }

  @Test
  void aFolderServesAsWell() throws Exception {
    Path root = scratch.resolve("classes");
    Path folder = Files.createDirectories(root.resolve("org/lossmith/internal/" + GPU));
    for (String name : List.of(CORE, GLUE)) {
      String entry = "org/lossmith/internal/" + CPU + "/" + name;
      Files.write(folder.resolve(name), Artifacts.read(Artifacts.nativeJar(), entry));
    }
    assertTaken(GPU, run(WhichNatives.class, with(root)));
  }

  @Test
  void javaCppCanBeToldToTakeTheOtherOne() throws Exception {
    // A name that no preset knows: only libraries without extension are left.
    ChildJvm.Result result =
        run(
            LoadFailure.class,
            with(gpuJar(bytes -> new byte[10], AS_IT_IS)),
            "-Dorg.bytedeco.javacpp.platform.extension=-none");
    assertEquals("loaded\nloaded\n", result.output());
    assertEquals("", result.errors());
  }

  static Stream<Arguments> broken() {
    UnaryOperator<byte[]> half = bytes -> Arrays.copyOf(bytes, bytes.length / 2);
    UnaryOperator<byte[]> empty = bytes -> new byte[0];
    UnaryOperator<byte[]> text = bytes -> "no library".repeat(100).getBytes();
    UnaryOperator<byte[]> otherMachine =
        bytes -> {
          byte[] copy = bytes.clone();
          copy[18] = (byte) 183; // e_machine: AArch64
          return copy;
        };
    UnaryOperator<byte[]> lacksFunction = bytes -> renamed(bytes, "lsm_last_error", "lsm_no_error");
    UnaryOperator<byte[]> wantsFunction = bytes -> renamed(bytes, "omp_get_max_threads", "omp_no");
    return Stream.of(
        Arguments.of("half a library", half, AS_IT_IS, CORE + ": expected at least"),
        Arguments.of("half a glue", AS_IT_IS, half, GLUE + ": expected at least"),
        Arguments.of("an empty library", empty, AS_IT_IS, CORE + ": expected 64 bytes"),
        Arguments.of("no library at all", null, AS_IT_IS, "no " + CORE),
        Arguments.of("a text", text, AS_IT_IS, CORE + ": expected ELF64"),
        Arguments.of("another machine", otherMachine, AS_IT_IS, "machine 183"),
        Arguments.of("lacks a function", lacksFunction, AS_IT_IS, "symbol: lsm_last_error"),
        Arguments.of("wants a function", wantsFunction, AS_IT_IS, "symbol: omp_no"));
  }

  /** Replaces a symbol's name where the names of symbols are; the rest of its room becomes 0. */
  private static byte[] renamed(byte[] library, String name, String other) {
    String text = new String(library, StandardCharsets.ISO_8859_1);
    String sought = "\0" + name + "\0";
    int at = text.indexOf(sought);
    assertTrue(at >= 0, "expected " + name + " among the symbols");
    String end = "\0".repeat(sought.length() - other.length() - 1);
    String changed = text.substring(0, at) + "\0" + other + end;
    return (changed + text.substring(at + sought.length())).getBytes(StandardCharsets.ISO_8859_1);
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("broken")
  void aBrokenOneIsReplacedWithOneWarningThatSaysWhy(
      String what, UnaryOperator<byte[]> core, UnaryOperator<byte[]> glue, String reason)
      throws Exception {
    ChildJvm.Result result = run(WhichNatives.class, with(gpuJar(core, glue)));
    assertTaken(CPU, result);
    List<String> warnings =
        result.errors().lines().filter(line -> line.startsWith("WARNING: ")).toList();
    assertEquals(1, warnings.size(), result.errors());
    assertEquals(2, result.errors().lines().count(), "one record of the logger, of two lines");
    assertTrue(warnings.get(0).contains(GPU), warnings.get(0));
    assertTrue(warnings.get(0).contains(reason), warnings.get(0));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("broken")
  void aBrokenOneAloneIsAnErrorThatSaysWhyEveryTime(
      String what, UnaryOperator<byte[]> core, UnaryOperator<byte[]> glue, String reason)
      throws Exception {
    ChildJvm.Result result = run(LoadFailure.class, withOnly(gpuJar(core, glue)));
    assertEquals(0, result.exitCode(), () -> "output: " + result.output() + result.errors());
    String[] attempts = result.output().split("(?=attempt \\d: )");
    assertEquals(2, attempts.length, result.output());
    for (String attempt : attempts) {
      assertTrue(attempt.contains("for " + GPU + " do not load"), attempt);
      assertTrue(attempt.contains(reason), attempt);
      assertTrue(attempt.contains("<artifactId>lossmith-platform-gpu</artifactId>"), attempt);
    }
  }

  @Test
  void aMissingOneDnnIsNamedAsWithTheOtherOne() throws Exception {
    List<Path> jars = new ArrayList<>(with(gpuJar(AS_IT_IS, AS_IT_IS)));
    jars.removeIf(jar -> jar.getFileName().toString().startsWith("dnnl-"));
    ChildJvm.Result result = run(LoadFailure.class, jars);
    assertTrue(result.output().contains("miss libdnnl.so.3"), result.output());
    assertTrue(result.output().contains("<artifactId>dnnl</artifactId>"), result.output());
    assertEquals("", result.errors(), "a warning beside the error");
  }
}
