package org.lossmith.packaging;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Path;
import java.util.List;
import java.util.function.Predicate;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.lossmith.packaging.children.LoadFailure;

/** Where a jar is missing, the error says which one and what to add. */
class LoadErrorTest {
  @TempDir Path cache;

  @Test
  void nothingMissingLoads() throws Exception {
    assertEquals("loaded\nloaded\n", load(name -> true));
  }

  @Test
  void aMissingClassifierJarIsNamedWithTheMavenLines() throws Exception {
    String output =
        load(name -> !(name.startsWith("lossmith-") && name.contains(Artifacts.PLATFORM)));
    assertNamed(
        output,
        Artifacts.PLATFORM,
        "<groupId>org.lossmith</groupId>",
        "<artifactId>lossmith</artifactId>",
        "<version>" + Artifacts.VERSION + "</version>",
        "<classifier>" + Artifacts.PLATFORM + "</classifier>");
  }

  @Test
  void aMissingOneDnnJarIsNamed() throws Exception {
    assertNamed(
        load(name -> !name.startsWith("dnnl-")),
        "libdnnl.so.3",
        "<groupId>org.bytedeco</groupId>",
        "<artifactId>dnnl</artifactId>",
        "<classifier>" + Artifacts.PLATFORM + "</classifier>");
  }

  /** Both attempts must tell the same: the second one must not end in NoClassDefFoundError. */
  private static void assertNamed(String output, String... parts) {
    List<String> attempts = List.of(output.split("(?=attempt \\d: )"));
    assertEquals(2, attempts.size(), output);
    for (String attempt : attempts) {
      for (String part : parts) {
        assertTrue(attempt.contains(part), () -> "expected '" + part + "' in: " + attempt);
      }
    }
  }

  private String load(Predicate<String> present) throws Exception {
    ChildJvm.Result result =
        ChildJvm.of(cache).classPath(Artifacts.runtimeJars(present)).run(LoadFailure.class);
    assertEquals(0, result.exitCode(), () -> "output: " + result.output() + result.errors());
    return result.output();
  }
}
