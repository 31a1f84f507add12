package org.lossmith.packaging;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.Predicate;
import java.util.zip.ZipEntry;
import java.util.zip.ZipFile;

/** The jars under test, as Maven has just packaged them. */
final class Artifacts {
  static final String PLATFORM = "linux-x86_64";
  static final Path ROOT = Path.of(property("lossmith.root")).toAbsolutePath().normalize();
  static final String VERSION = property("lossmith.version");

  private Artifacts() {}

  static String property(String name) {
    String value = System.getProperty(name);
    if (value == null) {
      throw new IllegalStateException("system property " + name + " is not set; run through Maven");
    }
    return value;
  }

  /** A jar of one module, for example {@code jar("lossmith", "-sources")}. */
  static Path jar(String module, String suffix) {
    return ROOT.resolve("java")
        .resolve(module)
        .resolve("target/" + module + "-" + VERSION + suffix + ".jar");
  }

  static Path mainJar() {
    return jar("lossmith", "");
  }

  static Path nativeJar() {
    return jar("lossmith", "-" + PLATFORM);
  }

  /** The jar with the natives with CUDA; the test is skipped if this build makes none. */
  static Path gpuJar() {
    assumeTrue(hasGpuJar(), "built without CUDA: needs nvcc and the Maven profile gpu");
    return jar("lossmith", "-" + PLATFORM + "-gpu");
  }

  static boolean hasGpuJar() {
    return Boolean.parseBoolean(property("lossmith.gpu"));
  }

  /** The jars with natives of this build. */
  static List<Path> nativeJars() {
    return hasGpuJar() ? List.of(nativeJar(), gpuJar()) : List.of(nativeJar());
  }

  /**
   * The jars that a dependency on lossmith-platform brings, without the test tools.
   *
   * @param wanted which of them to keep, by file name
   */
  static List<Path> runtimeJars(Predicate<String> wanted) {
    return jars(name -> !name.contains("-gpu") && !name.contains("cuda") && wanted.test(name));
  }

  /**
   * The jars that dependencies on lossmith-platform, on lossmith-platform-gpu where this build
   * makes it, and on lossmith-cuda bring.
   *
   * @param wanted which of them to keep, by file name
   */
  static List<Path> jars(Predicate<String> wanted) {
    List<Path> jars = new ArrayList<>();
    for (String entry : System.getProperty("java.class.path").split(File.pathSeparator)) {
      Path path = Path.of(entry);
      String name = path.getFileName().toString();
      boolean ours =
          (name.startsWith("lossmith-") && !name.startsWith("lossmith-cli"))
              || name.startsWith("javacpp-")
              || name.startsWith("cuda-")
              || name.startsWith("dnnl-");
      if (Files.isRegularFile(path) && ours && wanted.test(name)) {
        jars.add(path);
      }
    }
    return jars;
  }

  /** The directory with this module's compiled classes, for the small programs that tests start. */
  static Path testClasses() {
    return Arrays.stream(System.getProperty("java.class.path").split(File.pathSeparator))
        .map(Path::of)
        .filter(path -> path.endsWith("test-classes"))
        .findFirst()
        .orElseThrow();
  }

  static byte[] read(Path jar, String entry) {
    try (ZipFile zip = new ZipFile(jar.toFile())) {
      ZipEntry found = zip.getEntry(entry);
      if (found == null) {
        throw new AssertionError(jar + ": expected an entry " + entry + ", got none");
      }
      return zip.getInputStream(found).readAllBytes();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  static List<String> entries(Path jar) {
    try (ZipFile zip = new ZipFile(jar.toFile())) {
      return zip.stream().map(ZipEntry::getName).toList();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
