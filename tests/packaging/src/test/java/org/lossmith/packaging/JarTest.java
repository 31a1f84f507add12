package org.lossmith.packaging;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.lang.module.ModuleDescriptor;
import java.lang.module.ModuleFinder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.jar.JarFile;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

/** The jars as they would be published: contents, names, size. */
class JarTest {
  private static final long KIB = 1024;

  @Test
  void mainJarIsAModuleThatHidesItsInternals() {
    ModuleDescriptor module = moduleOf(Artifacts.mainJar());
    assertEquals("org.lossmith", module.name());
    assertFalse(module.isAutomatic(), "expected a real module-info in the main jar");
    Set<String> exported =
        module.exports().stream()
            .filter(export -> !export.isQualified())
            .map(ModuleDescriptor.Exports::source)
            .collect(Collectors.toCollection(TreeSet::new));
    assertTrue(exported.contains("org.lossmith"), "exports " + exported);
    assertFalse(exported.contains("org.lossmith.internal"), "exports " + exported);
  }

  @Test
  void nativeJarHasAStableModuleName() throws IOException {
    try (JarFile jar = new JarFile(Artifacts.nativeJar().toFile())) {
      assertEquals(
          "org.lossmith.linux.x86_64",
          jar.getManifest().getMainAttributes().getValue("Automatic-Module-Name"));
    }
  }

  @Test
  void jarsStaySmall() throws IOException {
    assertSize(Artifacts.mainJar(), 1, 256 * KIB);
    assertSize(Artifacts.nativeJar(), 16 * KIB, 4096 * KIB);
  }

  @Test
  void mainJarHoldsNoNativesAndTheNativeJarNoClasses() {
    assertNoEntry(Artifacts.mainJar(), ".so");
    assertNoEntry(Artifacts.nativeJar(), ".class");
  }

  @Test
  void sourcesJarHoldsTheSourcesOfAllPublicClasses() {
    Set<String> sources = new TreeSet<>(Artifacts.entries(Artifacts.jar("lossmith", "-sources")));
    List<String> missing =
        Artifacts.entries(Artifacts.mainJar()).stream()
            .filter(name -> name.matches("org/lossmith/[A-Z]\\w*\\.class"))
            .map(name -> name.replace(".class", ".java"))
            .filter(name -> !sources.contains(name))
            .toList();
    assertEquals(List.of(), missing);
    assertTrue(sources.contains("org/lossmith/InfoNce.java"), "got " + sources);
  }

  @Test
  void javadocJarDocumentsThePublicPackageOnly() {
    List<String> pages = Artifacts.entries(Artifacts.jar("lossmith", "-javadoc"));
    assertTrue(pages.contains("index.html"), "got " + pages);
    assertTrue(
        pages.stream().anyMatch(name -> name.endsWith("org/lossmith/InfoNce.html")),
        "got " + pages);
    assertTrue(
        pages.stream().noneMatch(name -> name.contains("org/lossmith/internal/")), "got " + pages);
  }

  @Test
  void commandLineJarStartsByItself() throws IOException {
    try (JarFile jar = new JarFile(Artifacts.jar("lossmith-cli", "").toFile())) {
      String main = jar.getManifest().getMainAttributes().getValue("Main-Class");
      assertTrue(main != null && main.startsWith("org.lossmith.cli."), "Main-Class is " + main);
    }
  }

  @Test
  void platformBringsAllThatRuns() {
    List<String> names =
        Artifacts.runtimeJars(name -> true).stream()
            .map(path -> path.getFileName().toString())
            .toList();
    for (String prefix : List.of("lossmith", "javacpp", "dnnl")) {
      assertTrue(
          names.stream()
              .anyMatch(
                  name -> name.startsWith(prefix + "-") && name.endsWith("-linux-x86_64.jar")),
          "expected the native jar of " + prefix + ", got " + names);
    }
    assertTrue(names.stream().noneMatch(name -> name.startsWith("opencl")), "got " + names);
  }

  private static ModuleDescriptor moduleOf(Path jar) {
    return ModuleFinder.of(jar).findAll().iterator().next().descriptor();
  }

  private static void assertSize(Path jar, long least, long most) throws IOException {
    long size = Files.size(jar);
    assertTrue(
        size >= least && size <= most,
        jar.getFileName() + ": expected " + least + " to " + most + " bytes, got " + size);
  }

  private static void assertNoEntry(Path jar, String ending) {
    List<String> found =
        Artifacts.entries(jar).stream().filter(name -> name.endsWith(ending)).toList();
    assertEquals(List.of(), found, "in " + jar.getFileName());
  }
}
