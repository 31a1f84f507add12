package org.lossmith.packaging;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Instant;
import java.time.LocalDateTime;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.List;
import java.util.zip.ZipEntry;
import java.util.zip.ZipFile;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** The same sources give the same bytes, wherever and whenever they are built. */
class ReproducibleTest {
  static List<Path> jars() {
    List<Path> jars = new ArrayList<>(Artifacts.nativeJars());
    jars.add(Artifacts.mainJar());
    for (String module : List.of("lossmith", "lossmith-cuda")) {
      jars.add(Artifacts.jar(module, "-sources"));
      jars.add(Artifacts.jar(module, "-javadoc"));
    }
    jars.add(Artifacts.jar("lossmith-cuda", ""));
    return jars;
  }

  @ParameterizedTest
  @MethodSource("jars")
  void everyEntryHasTheTimeFixedInThePom(Path jar) throws IOException {
    LocalDateTime expected =
        LocalDateTime.ofInstant(
            Instant.parse(Artifacts.property("lossmith.timestamp")), ZoneOffset.UTC);
    List<String> others = new ArrayList<>();
    try (ZipFile zip = new ZipFile(jar.toFile())) {
      for (ZipEntry entry : zip.stream().toList()) {
        if (!entry.getTimeLocal().equals(expected)) {
          others.add(entry.getName() + " " + entry.getTimeLocal());
        }
      }
    }
    assertEquals(List.of(), others, "expected " + expected);
  }

  @ParameterizedTest
  @MethodSource("jars")
  void nothingTellsWhereItWasBuilt(Path jar) throws IOException {
    byte[] root = Artifacts.ROOT.toString().getBytes(StandardCharsets.UTF_8);
    byte[] home = (System.getProperty("user.home") + "/.m2").getBytes(StandardCharsets.UTF_8);
    try (ZipFile zip = new ZipFile(jar.toFile())) {
      for (ZipEntry entry : zip.stream().toList()) {
        byte[] bytes = zip.getInputStream(entry).readAllBytes();
        for (byte[] secret : List.of(root, home)) {
          assertFalse(
              contains(bytes, secret),
              () -> jar.getFileName() + "!" + entry.getName() + " holds " + new String(secret));
        }
      }
    }
  }

  private static boolean contains(byte[] text, byte[] part) {
    // Latin-1 maps every byte to one char, which makes this a search over bytes.
    return new String(text, StandardCharsets.ISO_8859_1)
        .contains(new String(part, StandardCharsets.ISO_8859_1));
  }
}
