package org.lossmith.packaging.children;

import org.lossmith.Lossmith;
import org.lossmith.NativeLoadException;

/** Loads the library where something is missing, and prints what the user is told. */
public final class LoadFailure {
  private LoadFailure() {}

  /**
   * Prints the message of the exception, or {@code loaded}.
   *
   * @param arguments none
   */
  public static void main(String[] arguments) {
    for (int attempt = 1; attempt <= 2; attempt++) {
      try {
        Lossmith.version();
        System.out.println("loaded");
      } catch (NativeLoadException e) {
        System.out.println("attempt " + attempt + ": " + e.getMessage());
      }
    }
  }
}
