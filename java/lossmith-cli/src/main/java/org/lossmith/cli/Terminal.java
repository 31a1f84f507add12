package org.lossmith.cli;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** What the standard streams are connected to. */
public final class Terminal {
  private static final int STDOUT = 1;
  private static final int STDERR = 2;

  private Terminal() {}

  /** Whether help and results may be coloured: stdout is a terminal and NO_COLOR is not set. */
  public static boolean colours() {
    return isTerminal(STDOUT) && plainNotAsked();
  }

  /** Whether a bar that redraws itself may be shown: stderr is a terminal that can redraw. */
  public static boolean animates() {
    return isTerminal(STDERR) && !"dumb".equals(System.getenv("TERM"));
  }

  /** Whether what is drawn on stderr may be coloured. */
  public static boolean animatesInColour() {
    return animates() && plainNotAsked();
  }

  private static boolean plainNotAsked() {
    String noColor = System.getenv("NO_COLOR");
    return (noColor == null || noColor.isEmpty()) && !"dumb".equals(System.getenv("TERM"));
  }

  private static boolean isTerminal(int descriptor) {
    // System.console() cannot tell stdout from stderr, and from JDK 22 on it is there without a
    // terminal, too. Linux names what a descriptor is connected to.
    try {
      String target = Files.readSymbolicLink(Path.of("/proc/self/fd/" + descriptor)).toString();
      return target.startsWith("/dev/pts/") || target.startsWith("/dev/tty");
    } catch (IOException | UnsupportedOperationException e) {
      return false;
    }
  }
}
