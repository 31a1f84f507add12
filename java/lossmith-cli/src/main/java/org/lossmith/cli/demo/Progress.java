package org.lossmith.cli.demo;

import java.io.PrintStream;
import java.util.List;
import java.util.Locale;
import me.tongfei.progressbar.ProgressBar;
import me.tongfei.progressbar.ProgressBarBuilder;
import me.tongfei.progressbar.ProgressBarStyle;
import org.lossmith.cli.Terminal;

/**
 * Tells on stderr how far the demo is: a bar where stderr is a terminal, else a line per epoch, or
 * nothing.
 */
final class Progress implements AutoCloseable {
  private final PrintStream lines;
  private final ProgressBar bar;

  private Progress(PrintStream lines, ProgressBar bar) {
    this.lines = lines;
    this.bar = bar;
  }

  /**
   * Starts to tell.
   *
   * @param quiet whether to tell nothing
   */
  static Progress start(boolean quiet) {
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
            .setTaskName("demo")
            .setInitialMax(-1)
            .setStyle(style)
            .setUpdateIntervalMillis(200)
            .build());
  }

  /** Says how many steps there will be. */
  void expect(long steps) {
    if (bar != null) {
      bar.maxHint(steps);
    }
  }

  /** Says what is being done now. */
  void stage(String what) {
    if (bar != null) {
      bar.setExtraMessage(what);
    } else if (lines != null) {
      lines.println(what);
    }
  }

  /** Counts a step. */
  void step() {
    if (bar != null) {
      bar.step();
    }
  }

  /** Tells the end of an epoch. */
  void epoch(String loss, List<Epoch> epochs, List<Checkpoint> checkpoints, int total) {
    Epoch epoch = epochs.get(epochs.size() - 1);
    Checkpoint checkpoint = checkpoints.get(checkpoints.size() - 1);
    String text =
        String.format(
            Locale.ROOT,
            "%s %d/%d  loss %.4f  P@1 %.1f%% / %.1f%%",
            loss,
            epoch.number(),
            total,
            epoch.loss(),
            100 * checkpoint.heldOut().precisionAt1(),
            100 * checkpoint.zeroShot().precisionAt1());
    if (bar != null) {
      bar.setExtraMessage(text);
    } else if (lines != null) {
      lines.println(text);
    }
  }

  @Override
  public void close() {
    if (bar != null) {
      bar.close();
    }
  }
}
