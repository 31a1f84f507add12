package org.lossmith.cli;

import java.io.PrintStream;
import me.tongfei.progressbar.ProgressBar;
import me.tongfei.progressbar.ProgressBarBuilder;
import me.tongfei.progressbar.ProgressBarStyle;

/**
 * Tells on stderr how far a command is: a bar where stderr is a terminal, else a line per stage, or
 * nothing.
 */
public final class Progress implements AutoCloseable {
  private final PrintStream lines;
  private final ProgressBar bar;

  private Progress(PrintStream lines, ProgressBar bar) {
    this.lines = lines;
    this.bar = bar;
  }

  /**
   * Starts to tell.
   *
   * @param command the name of the command
   * @param quiet whether to tell nothing
   */
  public static Progress start(String command, boolean quiet) {
    if (quiet) {
      return new Progress(null, null);
    }
    if (!Terminal.animates()) {
      return new Progress(System.err, null);
    }
    ProgressBarStyle style =
        Terminal.animatesInColour()
            ? ProgressBarStyle.COLORFUL_UNICODE_BLOCK
            : ProgressBarStyle.ASCII;
    return new Progress(
        System.err,
        new ProgressBarBuilder()
            .setTaskName(command)
            .setInitialMax(-1)
            .setStyle(style)
            .setUpdateIntervalMillis(200)
            .build());
  }

  /** Says how many steps there will be. */
  public void expect(long steps) {
    if (bar != null) {
      bar.maxHint(steps);
    }
  }

  /** Says what is being done now. */
  public void stage(String what) {
    if (bar != null) {
      bar.setExtraMessage(what);
    } else if (lines != null) {
      lines.println(what);
    }
  }

  /** Counts steps that were done before. */
  public void skip(long steps) {
    if (bar != null) {
      bar.stepTo(steps);
    }
  }

  /** Counts a step. */
  public void step() {
    if (bar != null) {
      bar.step();
    }
  }

  @Override
  public void close() {
    if (bar != null) {
      bar.close();
    }
  }
}
