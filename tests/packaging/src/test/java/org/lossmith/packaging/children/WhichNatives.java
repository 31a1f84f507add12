package org.lossmith.packaging.children;

import java.nio.file.Path;
import java.util.Properties;
import org.bytedeco.javacpp.Loader;

/**
 * Computes a loss and says which natives did it, and whether loading them changed anything else.
 */
public final class WhichNatives {
  private WhichNatives() {}

  /**
   * Prints {@code loss VALUE}, the folders of library and glue, and {@code properties kept}.
   *
   * @param arguments none
   */
  public static void main(String[] arguments) {
    Properties before = properties();
    SmallLoss.main(arguments);
    for (String library : new String[] {"lossmith@.0", "jniLossmithNative"}) {
      Path file = Path.of(Loader.getLoadedLibraries().get(library));
      System.out.println(library + " of " + file.getParent().getFileName());
    }
    boolean kept =
        before.equals(properties())
            && Loader.loadProperties(true).getProperty("platform.extension") == null;
    System.out.println(kept ? "properties kept" : "properties changed");
  }

  /** Those that presets read; the JVM itself finds out about time zones and such on the way. */
  private static Properties properties() {
    Properties properties = new Properties();
    properties.putAll(System.getProperties());
    properties.keySet().removeIf(key -> !key.toString().matches("(org\\.bytedeco|java\\.l).*"));
    return properties;
  }
}
