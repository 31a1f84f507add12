package org.lossmith.bench;

import java.io.PrintStream;
import java.time.Duration;
import me.tongfei.progressbar.ConsoleProgressBarConsumer;
import me.tongfei.progressbar.ProgressBar;
import me.tongfei.progressbar.ProgressBarBuilder;
import me.tongfei.progressbar.ProgressBarStyle;

/**
 * The progress bar of a run, on standard error. Each row has a share of the bar; within it the row
 * says how many steps it takes and steps through them.
 */
public final class Progress implements AutoCloseable {
  private static final int UNITS_PER_SECOND = 100;
  private static final int WIDTH = 100;

  private final ProgressBar bar;
  private String name = "";
  private long rowStart;
  private long rowUnits;
  private int steps = 1;
  private int done;

  Progress(PrintStream out, int totalSeconds) {
    boolean terminal = System.console() != null;
    bar =
        new ProgressBarBuilder()
            .setTaskName("bench")
            .setStyle(ProgressBarStyle.ASCII)
            .setInitialMax((long) totalSeconds * UNITS_PER_SECOND)
            .setUpdateIntervalMillis(terminal ? 250 : (int) Duration.ofSeconds(20).toMillis())
            .setConsumer(new ConsoleProgressBarConsumer(out, WIDTH))
            .hideEta()
            .build();
  }

  /** The next row begins. */
  void row(String name, int seconds) {
    bar.stepTo(rowStart + rowUnits);
    rowStart += rowUnits;
    rowUnits = (long) seconds * UNITS_PER_SECOND;
    steps = 1;
    done = 0;
    this.name = name;
    bar.setExtraMessage(name);
  }

  /** The row takes this many steps. */
  public void expect(int steps) {
    this.steps = Math.max(1, steps);
    this.done = 0;
  }

  /** The next step begins. */
  public void step(String what) {
    bar.stepTo(rowStart + rowUnits * Math.min(done, steps) / steps);
    done++;
    bar.setExtraMessage(name + ": " + what);
  }

  @Override
  public void close() {
    bar.stepTo(rowStart + rowUnits);
    bar.close();
  }
}
