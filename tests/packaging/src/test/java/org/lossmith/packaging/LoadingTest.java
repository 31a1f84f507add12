package org.lossmith.packaging;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.spi.ToolProvider;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.lossmith.packaging.children.SmallLoss;

/** The library loads in a fresh JVM: cold cache, class path, module path, newest JDK. */
class LoadingTest {
  /** Jars with natives only: nothing requires them, so the module path needs them by name. */
  private static final String NATIVE_MODULES =
      "org.lossmith.linux.x86_64,org.bytedeco.javacpp.linux.x86_64,org.bytedeco.dnnl.linux.x86_64";

  @TempDir Path scratch;

  @Test
  void loadsFromTheClassPath() throws Exception {
    assertWorks(ChildJvm.of(cache()).classPath(allJars()).run(SmallLoss.class));
  }

  @Test
  void fourJvmsRaceOnAColdCache() throws Exception {
    List<ChildJvm.Started> children = new ArrayList<>();
    for (int i = 0; i < 4; i++) {
      children.add(ChildJvm.of(cache()).classPath(allJars()).start(SmallLoss.class));
    }
    for (ChildJvm.Started child : children) {
      assertWorks(child.await());
    }
  }

  @Test
  void loadsWhenTheHomeFolderCannotBeWritten() throws Exception {
    // JavaCPP falls back to the temporary folder.
    ChildJvm.Result result =
        ChildJvm.of(Path.of("/proc/no-such-folder"))
            .options("-Duser.home=/proc/no-such-folder", "-Djava.io.tmpdir=" + scratch)
            .classPath(allJars())
            .run(SmallLoss.class);
    assertWorks(result);
  }

  @Test
  void loadsFromTheModulePath() throws Exception {
    ChildJvm.Result result =
        ChildJvm.of(cache())
            .modulePath(allJars())
            .options("--add-modules", "org.lossmith," + NATIVE_MODULES)
            .classPath(List.of())
            .run(SmallLoss.class);
    assertWorks(result);
  }

  @Test
  void worksForAUserThatIsAModule() throws Exception {
    Path module = compileConsumer();
    List<Path> path = new ArrayList<>(allJars());
    path.add(module);
    ChildJvm.Result result =
        ChildJvm.of(cache())
            .modulePath(path)
            .options("--add-modules", NATIVE_MODULES)
            .run("-m", "consumer/" + SmallLoss.class.getName());
    assertWorks(result);
  }

  @Test
  void newestJdkIsSilentWithTheDocumentedFlag() throws Exception {
    ChildJvm.Result result =
        jdk25()
            .options("--enable-native-access=ALL-UNNAMED")
            .classPath(allJars())
            .run(SmallLoss.class);
    assertWorks(result);
    assertEquals("", result.errors(), "warnings");
  }

  @Test
  void newestJdkRunsWhereNativeAccessIsOtherwiseDenied() throws Exception {
    ChildJvm.Result allowed =
        jdk25()
            .options("--illegal-native-access=deny", "--enable-native-access=ALL-UNNAMED")
            .classPath(allJars())
            .run(SmallLoss.class);
    assertWorks(allowed);
    ChildJvm.Result denied =
        jdk25().options("--illegal-native-access=deny").classPath(allJars()).run(SmallLoss.class);
    assertNotEquals(0, denied.exitCode());
    assertTrue(
        (denied.output() + denied.errors()).contains("--enable-native-access"),
        "expected the flag in the error, got " + denied);
  }

  @Test
  void newestJdkIsSilentOnTheModulePathWithTheModulesNamed() throws Exception {
    ChildJvm.Result result =
        jdk25()
            .modulePath(allJars())
            .options("--enable-native-access=org.bytedeco.javacpp,org.lossmith")
            .options("--add-modules", "org.lossmith," + NATIVE_MODULES)
            .classPath(List.of())
            .run(SmallLoss.class);
    assertWorks(result);
    assertEquals("", result.errors(), "warnings");
  }

  private ChildJvm jdk25() throws Exception {
    Optional<Path> home = ChildJvm.jdk25();
    assumeTrue(home.isPresent(), "no JDK 25: JAVA25_HOME is not set and /usr/lib/jvm has none");
    return ChildJvm.of(home.get(), cache());
  }

  private Path cache() {
    return scratch.resolve("cache");
  }

  private static List<Path> allJars() {
    return Artifacts.runtimeJars(name -> true);
  }

  /** Compiles {@link SmallLoss} as part of a named module that requires org.lossmith. */
  private Path compileConsumer() throws Exception {
    Path sources = Files.createDirectories(scratch.resolve("consumer-sources"));
    Path classes = scratch.resolve("consumer");
    Files.writeString(
        sources.resolve("module-info.java"), "module consumer { requires org.lossmith; }");
    String name = SmallLoss.class.getName().replace('.', '/') + ".java";
    Path source = sources.resolve(name);
    Files.createDirectories(source.getParent());
    Files.copy(Artifacts.ROOT.resolve("tests/packaging/src/test/java").resolve(name), source);
    StringWriter log = new StringWriter();
    int code =
        ToolProvider.findFirst("javac")
            .orElseThrow()
            .run(
                new PrintWriter(log),
                new PrintWriter(log),
                "-d",
                classes.toString(),
                "-p",
                ChildJvm.join(allJars().stream()),
                sources.resolve("module-info.java").toString(),
                source.toString());
    assertEquals(0, code, log.toString());
    return classes;
  }

  /** Checks the printed loss against the definition, in plain Java. */
  private static void assertWorks(ChildJvm.Result result) {
    assertEquals(0, result.exitCode(), () -> "output: " + result.output() + result.errors());
    String[] words = result.output().trim().split(" ");
    assertEquals("loss", words[0], result.output());
    assertEquals(expectedLoss(), Double.parseDouble(words[1]), 1e-6);
  }

  private static double expectedLoss() {
    double[][] rows = {{1, 0}, {0, 1}, {1, -1}, {2, 0.5}};
    double total = 0;
    for (int i = 0; i < rows.length; i++) {
      double sum = 0;
      for (double[] other : rows) {
        sum += Math.exp(dot(rows[i], other) / 0.5);
      }
      total += Math.log(sum) - dot(rows[i], rows[i]) / 0.5;
    }
    return total / rows.length;
  }

  private static double dot(double[] a, double[] b) {
    return a[0] * b[0] + a[1] * b[1];
  }
}
