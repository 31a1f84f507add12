package org.lossmith.packaging;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * What the two native libraries in each classifier jar ask of the machine they load on. The one
 * with CUDA asks for no more than the other: the runtime is in it, and the driver and cuBLAS are
 * opened only where there is a GPU.
 */
class NativeLibraryTest {

  /**
   * The C library's own parts; libstdc++ is linked statically so that its version never matters.
   */
  private static final Set<String> SYSTEM =
      Set.of("libc.so.6", "libm.so.6", "libpthread.so.0", "libdl.so.2", "ld-linux-x86-64.so.2");

  @TempDir Path scratch;

  @ParameterizedTest
  @MethodSource("jars")
  void coreNeedsOnlyOneDnnAndTheSystem(Path jar) throws Exception {
    Set<String> needed = new TreeSet<>(SharedObject.of(jar, core(jar), scratch).needed());
    assertTrue(needed.remove("libdnnl.so.3"), "expected libdnnl.so.3 in NEEDED, got " + needed);
    // libgomp comes with the dnnl jar as well, and whatever loads oneDNN has libgcc.
    needed.removeAll(Set.of("libgomp.so.1", "libgcc_s.so.1"));
    needed.removeAll(SYSTEM);
    assertEquals(Set.of(), needed, "libraries that no jar brings");
  }

  @ParameterizedTest
  @MethodSource("jars")
  void glueNeedsOnlyTheCoreAndTheSystem(Path jar) throws Exception {
    Set<String> needed = new TreeSet<>(SharedObject.of(jar, glue(jar), scratch).needed());
    assertTrue(needed.remove("liblossmith.so.0"), "expected liblossmith.so.0, got " + needed);
    needed.removeAll(SYSTEM);
    // The glue is JavaCPP's C++; both are on every machine that has a JVM.
    needed.removeAll(Set.of("libstdc++.so.6", "libgcc_s.so.1", "libdnnl.so.3", "libgomp.so.1"));
    assertEquals(Set.of(), needed, "libraries that no jar brings");
  }

  @ParameterizedTest
  @MethodSource("jars")
  void librariesAreFoundBesideEachOtherAndNowhereElse(Path jar) throws Exception {
    for (String entry : List.of(core(jar), glue(jar))) {
      for (String runPath : SharedObject.of(jar, entry, scratch).runPaths()) {
        for (String part : runPath.split(":")) {
          assertTrue(
              part.matches("\\$ORIGIN/?"), entry + ": expected $ORIGIN, got RUNPATH " + runPath);
        }
      }
    }
    assertEquals(
        1, SharedObject.of(jar, core(jar), scratch).runPaths().size(), "RUNPATH of the core");
  }

  @ParameterizedTest
  @MethodSource("jars")
  void oldEnoughGlibcSuffices(Path jar) throws Exception {
    int[] built = SharedObject.glibcOfThisMachine();
    assumeTrue(
        built[0] == 2 && built[1] <= 36,
        () -> "releases are built on glibc 2.36 or older; this is " + Arrays.toString(built));
    for (String entry : List.of(core(jar), glue(jar))) {
      for (String version : SharedObject.of(jar, entry, scratch).glibcVersions()) {
        int[] parts = SharedObject.version(version);
        assertTrue(
            parts[0] == 2 && parts[1] <= 34,
            entry + ": expected at most GLIBC_2.34, got " + version);
      }
    }
  }

  @ParameterizedTest
  @MethodSource("jars")
  void coreExportsOnlyItsInterface(Path jar) throws Exception {
    Set<String> exported = SharedObject.of(jar, core(jar), scratch).exported();
    assertTrue(exported.contains("lsm_version"), "expected lsm_version, got " + exported);
    Set<String> foreign = new TreeSet<>(exported);
    foreign.removeIf(name -> name.startsWith("lsm_"));
    assertEquals(Set.of(), foreign, "exported by mistake");
  }

  @ParameterizedTest
  @MethodSource("jars")
  void glueExportsOnlyJni(Path jar) throws Exception {
    Set<String> foreign = new TreeSet<>(SharedObject.of(jar, glue(jar), scratch).exported());
    foreign.removeIf(name -> name.startsWith("Java_") || name.startsWith("JNI_On"));
    // JavaCPP's own entry points for its other libraries, and C++ run-time type information.
    foreign.removeIf(name -> name.startsWith("JavaCPP_") || name.startsWith("_Z"));
    assertEquals(Set.of(), foreign, "exported by mistake");
  }

  static List<Path> jars() {
    return Artifacts.nativeJars();
  }

  private static String folder(Path jar) {
    String suffix = jar.equals(Artifacts.nativeJar()) ? "/" : "-gpu/";
    return "org/lossmith/internal/" + Artifacts.PLATFORM + suffix;
  }

  private static String core(Path jar) {
    return folder(jar) + "liblossmith.so.0";
  }

  private static String glue(Path jar) {
    return folder(jar) + "libjniLossmithNative.so";
  }
}
