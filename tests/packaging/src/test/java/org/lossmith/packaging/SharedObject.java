package org.lossmith.packaging;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/** What {@code readelf} says of a shared library. */
record SharedObject(
    Set<String> needed, List<String> runPaths, Set<String> exported, Set<String> glibcVersions) {

  private static final Pattern NEEDED = Pattern.compile("\\(NEEDED\\).*\\[(.*)]");
  private static final Pattern RUN_PATH = Pattern.compile("\\((?:RUNPATH|RPATH)\\).*\\[(.*)]");
  private static final Pattern GLIBC = Pattern.compile("\\bGLIBC_(\\d+(?:\\.\\d+)+)");
  // Num: Value Size Type Bind Vis Ndx Name: defined and visible from outside.
  private static final Pattern EXPORTED =
      Pattern.compile(
          "^ *\\d+: [0-9a-f]+ +\\S+ +(?:FUNC|OBJECT|IFUNC|TLS) +(?:GLOBAL|WEAK|UNIQUE) +"
              + "(?:DEFAULT|PROTECTED) +\\d+ +([^@\\s]+)");

  /** Reads a library packed in a jar. */
  static SharedObject of(Path jar, String entry, Path scratch) throws Exception {
    Path file = scratch.resolve(Path.of(entry).getFileName().toString());
    Files.write(file, Artifacts.read(jar, entry));
    String dynamic = readelf("-dW", file.toString());
    return new SharedObject(
        new TreeSet<>(all(NEEDED, dynamic)),
        all(RUN_PATH, dynamic),
        new TreeSet<>(all(EXPORTED, readelf("--dyn-syms", "-W", file.toString()))),
        new TreeSet<>(all(GLIBC, readelf("-VW", file.toString()))));
  }

  /** The bytes of one section of a library packed in a jar. */
  static byte[] section(Path jar, String entry, String name, Path scratch) throws Exception {
    byte[] file = Artifacts.read(jar, entry);
    Path copy = scratch.resolve(Path.of(entry).getFileName().toString());
    Files.write(copy, file);
    // [Nr] Name Type Address Offset Size
    Pattern row = Pattern.compile("] " + Pattern.quote(name) + " +\\S+ +\\S+ +(\\S+) +(\\S+)");
    Matcher found = row.matcher(readelf("-SW", copy.toString()));
    if (!found.find()) {
      throw new AssertionError(entry + ": expected a section " + name + ", got none");
    }
    int offset = Integer.parseInt(found.group(1), 16);
    return Arrays.copyOfRange(file, offset, offset + Integer.parseInt(found.group(2), 16));
  }

  /** The C library that this machine links against, as {@code {major, minor}}. */
  static int[] glibcOfThisMachine() throws Exception {
    return version(output("getconf", "GNU_LIBC_VERSION").trim().replace("glibc ", ""));
  }

  static int[] version(String text) {
    return Arrays.stream(text.split("\\.")).mapToInt(Integer::parseInt).toArray();
  }

  private static String readelf(String... arguments) throws Exception {
    return output(Stream.concat(Stream.of("readelf"), Stream.of(arguments)).toArray(String[]::new));
  }

  private static String output(String... command) throws IOException, InterruptedException {
    ProcessBuilder builder = new ProcessBuilder(command).redirectErrorStream(true);
    builder.environment().put("LC_ALL", "C");
    Process process = builder.start();
    String text = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    if (process.waitFor() != 0) {
      throw new IOException(String.join(" ", command) + " failed: " + text);
    }
    return text;
  }

  private static List<String> all(Pattern pattern, String text) {
    return text.lines()
        .map(pattern::matcher)
        .filter(Matcher::find)
        .map(matcher -> matcher.group(1))
        .toList();
  }
}
