package org.lossmith;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import example.ReadmeExample;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;

/** The example of the README compiles as shown and does what the README says. */
class ReadmeExampleTest {
  private static final Path ROOT = Path.of(System.getProperty("lossmith.root"));
  private static final Path EXAMPLE =
      ROOT.resolve("tests/java/src/test/java/example/ReadmeExample.java");

  /** The source without its package line: what stands in the README. */
  private static String example() throws IOException {
    String source = Files.readString(EXAMPLE);
    return source.substring(source.indexOf("import "));
  }

  @Test
  void readmeShowsTheCompiledExample() throws IOException {
    String readme = Files.readString(ROOT.resolve("README.md"));
    assertTrue(
        readme.contains("```java\n" + example() + "```"),
        "README.md: expected a java block with tests/java/src/test/java/example/ReadmeExample.java"
            + " from its imports on");
  }

  @Test
  void exampleFitsFifteenLines() throws IOException {
    assertTrue(example().lines().count() <= 15);
  }

  @Test
  void examplePrintsLossAndGradient() {
    PrintStream saved = System.out;
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    System.setOut(new PrintStream(bytes, true, StandardCharsets.UTF_8));
    try {
      ReadmeExample.main(new String[0]);
    } finally {
      System.setOut(saved);
    }
    String[] lines = bytes.toString(StandardCharsets.UTF_8).split("\n");
    assertEquals(2, lines.length);
    assertTrue(lines[0].matches("loss \\d+\\.\\d+"), lines[0]);
    assertTrue(lines[1].startsWith("d loss / d x[0][0] "), lines[1]);
  }
}
