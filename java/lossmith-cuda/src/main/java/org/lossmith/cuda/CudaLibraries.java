package org.lossmith.cuda;

import java.net.URL;
import java.util.ArrayList;
import java.util.List;
import org.bytedeco.cuda.presets.cublas;
import org.bytedeco.javacpp.ClassProperties;
import org.bytedeco.javacpp.Loader;

/**
 * Libraries of the CUDA presets for the native side of Lossmith, which uses cuBLAS where it finds
 * one: in the process already, or where the system looks for libraries.
 */
public final class CudaLibraries {
  private CudaLibraries() {}

  /**
   * Loads the cuBLAS of the presets into the process, so that Lossmith finds it. To be called
   * before the first context on a CUDA device. It comes with {@code
   * org.bytedeco:cuda:linux-x86_64-redist}, which {@code org.bytedeco:cuda-platform-redist} brings.
   * Needs neither the driver nor other natives of the presets.
   *
   * @return the files loaded; where the system has found the library by its name, that name
   * @throws UnsatisfiedLinkError if there is no cuBLAS, neither in a jar nor on this machine
   */
  public static List<String> load() {
    // What cuBLAS inherits says where CUDA is installed, but names the driver as well.
    ClassProperties properties = Loader.loadProperties(cublas.class, Loader.loadProperties(), true);
    ClassProperties own = Loader.loadProperties(cublas.class, Loader.loadProperties(), false);
    List<String> loaded = new ArrayList<>();
    for (String library : own.get("platform.link")) {
      URL[] found = Loader.findLibrary(cublas.class, properties, library);
      String[] before = loaded.toArray(new String[0]);
      loaded.add(Loader.loadLibrary(cublas.class, found, library, before));
    }
    return List.copyOf(loaded);
  }
}
