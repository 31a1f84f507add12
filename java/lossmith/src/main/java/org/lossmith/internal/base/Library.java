package org.lossmith.internal.base;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.lang.System.Logger.Level;
import java.util.Properties;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.bytedeco.javacpp.Loader;
import org.lossmith.NativeLoadException;
import org.lossmith.presets.lossmith;

/**
 * Loads the native libraries on first use. The bindings are named nowhere in an initialiser of the
 * public API: their failure would be an Error there, and a NoClassDefFoundError without any reason
 * from the second time on.
 */
public final class Library {
  private static final Pattern MISSING =
      Pattern.compile("([^\\s:/]+\\.so[.\\d]*): cannot open shared object file");

  private static final System.Logger LOG = System.getLogger("org.lossmith");

  private static volatile boolean loaded;
  private static LinkageError failure;

  private Library() {}

  /**
   * Returns once the natives are loaded.
   *
   * @throws NativeLoadException if they cannot be loaded, on every call
   */
  public static void load() {
    if (!loaded) {
      loadOnce();
    }
  }

  private static synchronized void loadOnce() {
    if (failure == null && !loaded) {
      try {
        loadNatives();
        loaded = true;
      } catch (LinkageError e) {
        failure = e;
      } catch (ClassNotFoundException e) {
        throw new AssertionError("the jar lacks its generated bindings", e);
      }
    }
    if (failure != null) {
      throw explain(failure);
    }
  }

  /** The natives with CUDA where they are there and work, else those for the CPU. */
  private static void loadNatives() throws ClassNotFoundException {
    ClassLoader loader = Library.class.getClassLoader();
    Class<?> bindings = Class.forName("org.lossmith.internal.LossmithNative", false, loader);
    LinkageError broken = loadGpuNatives(bindings);
    Class.forName(bindings.getName(), true, loader);
    if (broken != null) {
      String gpu = Loader.getPlatform() + lossmith.GPU;
      LOG.log(
          Level.WARNING,
          "The natives of Lossmith for {0} do not load, those for the CPU are used: {1}",
          gpu,
          root(broken).getMessage());
    }
  }

  /** Returns what is wrong with the natives with CUDA where others have to do, or null. */
  private static LinkageError loadGpuNatives(Class<?> bindings) {
    if (!GpuNatives.isPresent() || GpuNatives.isUnwanted()) {
      return null;
    }
    try {
      GpuNatives.load(bindings);
      return null;
    } catch (IllegalCallerException e) {
      return null; // The others are denied as well, which is explained then.
    } catch (UnsatisfiedLinkError e) {
      if (!isPresent(Loader.getPlatform())) {
        throw e;
      }
      lossmith.leaveOutGpu();
      return e;
    }
  }

  private static NativeLoadException explain(LinkageError error) {
    String platform = Loader.getPlatform();
    boolean gpuOnly = !isPresent(platform) && GpuNatives.isPresent() && !GpuNatives.isUnwanted();
    String classifier = gpuOnly ? platform + lossmith.GPU : platform;
    String jar = "org.lossmith:lossmith:" + version() + ":" + classifier;
    String missing = missingLibrary(error);
    String reason;
    String lines;
    if (root(error) instanceof IllegalCallerException denied) {
      reason =
          "The JVM denies native access: "
              + denied.getMessage()
              + ". Start it with --enable-native-access=ALL-UNNAMED, or on the module path with"
              + " --enable-native-access=org.bytedeco.javacpp,org.lossmith";
      lines = "";
    } else if (!isPresent(classifier)) {
      reason = "Lossmith has no natives for " + platform + ": " + jar + " was not found. Add:";
      lines = dependency("org.lossmith", "lossmith", version(), platform);
    } else if (missing != null && missing.matches("lib(dnnl|gomp)\\..*")) {
      reason = "The natives of Lossmith for " + classifier + " miss " + missing + ". Add:";
      lines = dependency("org.bytedeco", "dnnl", property("dnnl.version"), platform);
    } else {
      String what =
          missing == null ? String.valueOf(root(error).getMessage()) : missing + " was not found";
      reason =
          "The natives of Lossmith for "
              + classifier
              + " do not load: "
              + what
              + ". The dependencies should have:";
      String artifact = gpuOnly ? "lossmith-platform-gpu" : "lossmith-platform";
      lines = dependency("org.lossmith", artifact, version(), null);
    }
    return new NativeLoadException(reason, platform, classifier, missing, lines, error);
  }

  /** Asks the class loader, which sees the other jars on the module path too. */
  private static boolean isPresent(String classifier) {
    String glue = "org/lossmith/internal/" + classifier + "/libjniLossmithNative.so";
    return Library.class.getClassLoader().getResource(glue) != null;
  }

  private static String missingLibrary(Throwable error) {
    for (Throwable t = error; t != null; t = t.getCause()) {
      Matcher matcher = MISSING.matcher(String.valueOf(t.getMessage()));
      if (matcher.find()) {
        return matcher.group(1);
      }
    }
    return null;
  }

  private static Throwable root(Throwable error) {
    Throwable root = error;
    while (root.getCause() != null) {
      root = root.getCause();
    }
    return root;
  }

  private static String dependency(
      String group, String artifact, String version, String classifier) {
    String tail = classifier == null ? "" : "  <classifier>" + classifier + "</classifier>\n";
    return "<dependency>\n  <groupId>"
        + group
        + "</groupId>\n  <artifactId>"
        + artifact
        + "</artifactId>\n  <version>"
        + version
        + "</version>\n"
        + tail
        + "</dependency>";
  }

  private static String version() {
    return property("version");
  }

  private static String property(String name) {
    Properties properties = new Properties();
    try (InputStream in = Library.class.getResourceAsStream("build.properties")) {
      properties.load(in);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return properties.getProperty(name);
  }
}
