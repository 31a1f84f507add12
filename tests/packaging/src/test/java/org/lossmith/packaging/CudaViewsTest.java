package org.lossmith.packaging;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.lang.module.ModuleDescriptor;
import java.lang.module.ModuleFinder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.lossmith.packaging.children.CudaViewsUse;
import org.lossmith.packaging.children.SmallLoss;

/** The module lossmith-cuda, and that nothing else needs the CUDA presets. */
class CudaViewsTest {
  private static final String PRESETS = "org/bytedeco/cuda";

  @TempDir Path scratch;

  /** The jars for the CPU, and those that lossmith-cuda adds; no natives of the presets. */
  private static List<Path> viewJars() {
    return Artifacts.jars(name -> !name.contains("-gpu"));
  }

  private ChildJvm child() {
    return ChildJvm.of(scratch.resolve("cache"));
  }

  @Test
  void theCoreKnowsNothingOfThePresets() throws Exception {
    for (String entry : Artifacts.entries(Artifacts.mainJar())) {
      if (entry.endsWith(".class")) {
        byte[] bytes = Artifacts.read(Artifacts.mainJar(), entry);
        assertFalse(new String(bytes, StandardCharsets.ISO_8859_1).contains(PRESETS), entry);
      }
    }
    List<Path> core = Artifacts.runtimeJars(name -> true);
    assertTrue(core.stream().noneMatch(jar -> jar.toString().contains("cuda")), "got " + core);
    ChildJvm.Result result =
        child().options("-Xlog:class+load:stdout").classPath(core).run(SmallLoss.class);
    assertTrue(result.output().contains("\nloss 0.77"), result.errors());
    assertFalse(result.output().contains("org.bytedeco.cuda"), "a class of the presets was loaded");
  }

  @Test
  void itIsAModuleWithOnePackage() {
    ModuleDescriptor module =
        ModuleFinder.of(Artifacts.jar("lossmith-cuda", ""))
            .findAll()
            .iterator()
            .next()
            .descriptor();
    assertEquals("org.lossmith.cuda", module.name());
    assertFalse(module.isAutomatic());
    Set<String> exported =
        module.exports().stream().map(ModuleDescriptor.Exports::source).collect(Collectors.toSet());
    assertEquals(Set.of("org.lossmith.cuda"), exported);
  }

  @Test
  void viewsNeedNoNativesOfThePresets() throws Exception {
    ChildJvm.Result result =
        child()
            .options("-Xlog:class+init=info:file=" + scratch.resolve("init.log"))
            .classPath(viewJars())
            .run(CudaViewsUse.class);
    assertViews(result);
    String log = Files.readString(scratch.resolve("init.log"));
    assertTrue(log.contains("org.lossmith.cuda.CudaViews"), "the log of initialised classes");
    assertFalse(log.contains("org.bytedeco.cuda.global"), "initialised a class that loads natives");
  }

  @Test
  void viewsWorkOnTheModulePath() throws Exception {
    ChildJvm.Result result =
        child()
            .modulePath(viewJars())
            .options("--add-modules", "org.lossmith.cuda,org.lossmith.platform")
            .classPath(List.of())
            .run(CudaViewsUse.class);
    assertViews(result);
  }

  private static void assertViews(ChildJvm.Result result) {
    assertEquals(0, result.exitCode(), result::toString);
    List<String> lines = result.output().lines().toList();
    String unsupported =
        " java.lang.UnsupportedOperationException: device: expected cpu:0, got cuda:0 (";
    String illegal = " java.lang.IllegalArgumentException: ";
    assertEquals("pointer 3.0", lines.get(0));
    assertTrue(lines.get(1).startsWith("tensor" + unsupported), lines.get(1));
    assertEquals(
        "long" + illegal + "memory: expected at least 20 bytes for shape [5], got 16 bytes",
        lines.get(2));
    assertEquals("cpu" + illegal + "device: expected a CUDA device, got cpu", lines.get(3));
    assertTrue(lines.get(4).startsWith("context" + unsupported), lines.get(4));
    assertEquals("stream" + illegal + "device: expected a CUDA device, got cpu", lines.get(5));
  }

  @Test
  void cublasOfThePresetsIsLoadedIntoTheProcess() throws Exception {
    Path source = Files.writeString(scratch.resolve("empty.c"), "int cublas_stand_in;");
    Path classes = scratch.resolve("redist");
    Path folder =
        Files.createDirectories(classes.resolve("org/bytedeco/cuda/" + Artifacts.PLATFORM));
    for (String name : List.of("libcublasLt.so.13", "libcublas.so.13")) {
      List<String> command =
          List.of(
              "g++",
              "-shared",
              "-fPIC",
              "-Wl,-soname," + name,
              "-o",
              folder.resolve(name).toString(),
              source.toString());
      assumeTrue(new ProcessBuilder(command).inheritIO().start().waitFor() == 0, "needs g++");
    }
    List<Path> jars = new ArrayList<>(viewJars());
    jars.add(classes);
    ChildJvm.Result result = child().classPath(jars).run(CudaViewsUse.class);
    assertEquals(
        "cublas ["
            + folder.resolve("libcublasLt.so.13")
            + ", "
            + folder.resolve("libcublas.so.13")
            + "]",
        result.output().lines().reduce((first, last) -> last).orElseThrow(),
        result::toString);
  }
}
