package org.lossmith.internal.base;

import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.URL;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.bytedeco.javacpp.ClassProperties;
import org.bytedeco.javacpp.Loader;
import org.lossmith.presets.lossmith;

/**
 * Loads the natives with CUDA before the loader of JavaCPP does, which would pass over a broken one
 * in silence, and could take the library from one jar and its glue from another.
 *
 * <p>The glue is loaded with its library as a dependency: the system maps both, or, when anything
 * is wrong with either of them, none. After a failure the process is as before.
 */
final class GpuNatives {
  private static final String GLUE = "libjniLossmithNative.so";

  private GpuNatives() {}

  /** Whether the jar with these natives is there. */
  static boolean isPresent() {
    return resource(GLUE) != null;
  }

  /** Whether the user asked JavaCPP for other natives than these. */
  static boolean isUnwanted() {
    String extension = Loader.loadProperties().getProperty("platform.extension");
    return extension != null && !extension.endsWith(lossmith.GPU);
  }

  private static URL resource(String name) {
    return GpuNatives.class
        .getClassLoader()
        .getResource("org/lossmith/internal/" + Loader.getPlatform() + lossmith.GPU + "/" + name);
  }

  /**
   * Loads the natives, so that the loader of JavaCPP finds them loaded.
   *
   * @param bindings the class that needs them, not initialised yet
   * @throws UnsatisfiedLinkError if they do not load; says why
   */
  static void load(Class<?> bindings) {
    ClassProperties properties =
        Loader.loadProperties(lossmith.class, Loader.loadProperties(), true);
    List<String> preloaded = new ArrayList<>();
    for (String name : properties.get("platform.preload")) {
      preload(bindings, properties, name, preloaded);
    }
    try {
      file("liblossmith.so.0");
      URL[] glue = {file(GLUE)};
      String library = properties.getProperty("platform.library");
      Loader.loadLibrary(bindings, glue, library, preloaded.toArray(new String[0]));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** A library as a whole file that the system's loader can map. */
  private static URL file(String name) throws IOException {
    URL resource = resource(name);
    if (resource == null) {
      throw new UnsatisfiedLinkError("the jar has no " + name);
    }
    // JavaCPP extracts everything but files.
    boolean isFile = resource.getProtocol().equals("file");
    ElfFile.check(
        isFile
            ? Path.of(URI.create(resource.toString()))
            : Loader.cacheResource(resource).toPath());
    return resource;
  }

  /** As the loader does: whether a library is missing shows when one that needs it is loaded. */
  private static void preload(
      Class<?> bindings, ClassProperties properties, String name, List<String> preloaded) {
    try {
      URL[] found = Loader.findLibrary(bindings, properties, name);
      String file = Loader.loadLibrary(bindings, found, name, preloaded.toArray(new String[0]));
      if (file != null && new File(file).exists()) {
        preloaded.add(file);
      }
    } catch (UnsatisfiedLinkError e) {
      System.getLogger("org.lossmith").log(System.Logger.Level.DEBUG, name, e);
    }
  }
}
