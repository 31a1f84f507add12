package org.lossmith.internal.base;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.Properties;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.bytedeco.javacpp.Loader;
import org.lossmith.NativeLoadException;

/**
 * Loads the native libraries on first use. The bindings are named nowhere in an initialiser of the
 * public API: their failure would be an Error there, and a NoClassDefFoundError without any reason
 * from the second time on.
 */
public final class Library {
  private static final Pattern MISSING =
      Pattern.compile("([^\\s:/]+\\.so[.\\d]*): cannot open shared object file");

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
        Class.forName("org.lossmith.internal.LossmithNative");
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

  private static NativeLoadException explain(LinkageError error) {
    String platform = Loader.getPlatform();
    String jar = "org.lossmith:lossmith:" + version() + ":" + platform;
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
    } else if (!isPresent("org/lossmith/internal/" + platform + "/libjniLossmithNative.so")) {
      reason = "Lossmith has no natives for " + platform + ": " + jar + " was not found. Add:";
      lines = dependency("org.lossmith", "lossmith", version(), platform);
    } else if (missing != null && missing.matches("lib(dnnl|gomp)\\..*")) {
      reason = "The natives of Lossmith for " + platform + " miss " + missing + ". Add:";
      lines = dependency("org.bytedeco", "dnnl", property("dnnl.version"), platform);
    } else {
      String what =
          missing == null ? String.valueOf(root(error).getMessage()) : missing + " was not found";
      reason =
          "The natives of Lossmith for "
              + platform
              + " do not load: "
              + what
              + ". The dependencies should have:";
      lines = dependency("org.lossmith", "lossmith-platform", version(), null);
    }
    return new NativeLoadException(reason, platform, platform, missing, lines, error);
  }

  /** Asks the class loader, which sees the other jars on the module path too. */
  private static boolean isPresent(String resource) {
    return Library.class.getClassLoader().getResource(resource) != null;
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
