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

/** The example of the README compiles as shown, is short, and runs. */
class ReadmeExampleTest {
  private static final Path ROOT = Path.of(System.getProperty("lossmith.root"));
  private static final Path SOURCE =
      ROOT.resolve("tests/java/src/test/java/example/ReadmeExample.java");

  private static String between(Path file, String begin, String end) throws IOException {
    String text = Files.readString(file);
    int from = text.indexOf(begin);
    int to = text.indexOf(end);
    assertTrue(0 <= from && from < to, () -> file + ": expected " + begin + " ... " + end);
    return text.substring(from + begin.length(), to);
  }

  private static String example() throws IOException {
    return between(SOURCE, "// example:begin\n", "// example:end").stripIndent();
  }

  @Test
  void readmeShowsTheCompiledExample() throws IOException {
    String shown =
        between(ROOT.resolve("README.md"), "<!-- example:begin -->\n", "<!-- example:end -->");
    assertEquals("```java\n" + example() + "```\n", shown);
  }

  @Test
  void exampleFitsFifteenLines() throws IOException {
    assertTrue(example().lines().count() <= 15, () -> "too long");
  }

  @Test
  void exampleRuns() {
    PrintStream saved = System.out;
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    System.setOut(new PrintStream(bytes, true, StandardCharsets.UTF_8));
    try {
      ReadmeExample.main(new String[0]);
    } finally {
      System.setOut(saved);
    }
    String printed = bytes.toString(StandardCharsets.UTF_8);
    assertTrue(
        printed.matches("loss \\d+\\.\\d+(E-?\\d+)?\nd loss / d texts\\[0\\] = \\S+\n"), printed);
  }
}
