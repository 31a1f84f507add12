package org.lossmith.packaging;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.jar.JarFile;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.lossmith.packaging.children.CudaUse;
import org.lossmith.packaging.children.WhichNatives;

/** The jar with the natives with CUDA: what is in it, and how it behaves where there is no GPU. */
class GpuNativesTest {
  private static final String FOLDER = "org/lossmith/internal/" + Artifacts.PLATFORM + "-gpu/";
  private static final String CORE = FOLDER + "liblossmith.so.0";
  private static final long MIB = 1 << 20;

  @TempDir Path scratch;
  private Path jar;

  @BeforeEach
  void find() {
    jar = Artifacts.gpuJar();
  }

  @Test
  void itHoldsTheTwoLibrariesUnderItsModuleName() throws IOException {
    Set<String> files = new TreeSet<>(Artifacts.entries(jar));
    files.removeIf(name -> name.endsWith("/") || name.startsWith("META-INF/"));
    assertEquals(Set.of(CORE, FOLDER + "libjniLossmithNative.so"), files);
    try (JarFile open = new JarFile(jar.toFile())) {
      assertEquals(
          "org.lossmith.linux.x86_64.gpu",
          open.getManifest().getMainAttributes().getValue("Automatic-Module-Name"));
    }
    long size = Files.size(jar);
    assertTrue(size < 16 * MIB, "expected at most 16 MiB, got " + size + " bytes");
  }

  @Test
  void itHoldsMachineCodeOfItsArchitecturesAndPtxOfTheNewest() throws Exception {
    String architectures = Artifacts.property("lossmith.gpu.architectures");
    assumeTrue(architectures.matches("[\\d;]+"), "built for " + architectures);
    Set<String> expected = new TreeSet<>();
    int newest = 0;
    for (String number : architectures.split(";")) {
      expected.add("sm_" + number);
      newest = Math.max(newest, Integer.parseInt(number));
    }
    expected.add("compute_" + newest);
    byte[] images = SharedObject.section(jar, CORE, ".nv_fatbin", scratch);
    assertEquals(expected, Fatbin.architectures(images));
  }

  @Test
  void thePlatformArtifactBringsBothKindsOfNatives() {
    List<String> names =
        Artifacts.jars(name -> name.startsWith("lossmith-")).stream()
            .map(path -> path.getFileName().toString())
            .toList();
    for (String suffix : List.of("", "-" + Artifacts.PLATFORM, "-" + Artifacts.PLATFORM + "-gpu")) {
      assertTrue(names.contains("lossmith-" + Artifacts.VERSION + suffix + ".jar"), "got " + names);
    }
  }

  @Test
  void itIsTakenFromTheClassPath() throws Exception {
    ChildJvm.Result result = child().classPath(allJars()).run(WhichNatives.class);
    assertTrue(result.output().contains("lossmith@.0 of linux-x86_64-gpu"), result::toString);
    assertEquals("", result.errors());
  }

  @Test
  void itIsTakenFromTheModulePath() throws Exception {
    ChildJvm.Result result =
        child()
            .modulePath(allJars())
            .options("--add-modules", "org.lossmith.platform.gpu")
            .classPath(List.of())
            .run(WhichNatives.class);
    assertTrue(result.output().contains("lossmith@.0 of linux-x86_64-gpu"), result::toString);
    assertEquals("", result.errors());
  }

  @Test
  void aMachineWithoutDriverHasNoDevicesAndSaysWhy() throws Exception {
    ChildJvm.Result result = child().classPath(allJars()).run(CudaUse.class);
    assumeTrue(result.output().startsWith("devices 0\n"), "this machine has a GPU");
    assertNoDevices(result, "no NVIDIA driver: libcuda.so.1 could not be loaded");
  }

  @Test
  void hiddenDevicesAreNotThere() throws Exception {
    ChildJvm.Result result =
        child().environment("LOSSMITH_CUDA", "off").classPath(allJars()).run(CudaUse.class);
    assertNoDevices(result, "hidden by LOSSMITH_CUDA=off");
  }

  private static void assertNoDevices(ChildJvm.Result result, String reason) {
    assertEquals(0, result.exitCode(), result::toString);
    assertEquals("", result.errors());
    List<String> lines = result.output().lines().toList();
    assertEquals("devices 0", lines.get(0));
    assertTrue(lines.get(1).contains("\"available\":false,\"reason\":\"" + reason), lines.get(1));
    assertTrue(lines.get(2).startsWith("loss 0.77"), lines.get(2));
    for (String attempt : lines.subList(3, 7)) {
      assertEquals(
          "unsupported: device: expected cpu:0, got cuda:0 (no CUDA device: " + reason + ")",
          attempt);
    }
  }

  private ChildJvm child() {
    return ChildJvm.of(scratch.resolve("cache"));
  }

  private static List<Path> allJars() {
    return new ArrayList<>(Artifacts.jars(name -> !name.contains("cuda")));
  }
}
