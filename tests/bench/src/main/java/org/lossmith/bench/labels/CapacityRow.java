package org.lossmith.bench.labels;

import org.lossmith.bench.Row;
import org.lossmith.bench.Session;
import org.lossmith.bench.measure.Samples;
import org.lossmith.bench.report.Verdict;

/** More than a million labels in a process of limited size. */
public final class CapacityRow implements Row {
  private static final String NAME = "labels-capacity";
  private static final int ROWS = 256;
  private static final int LABELS = 1_300_000;
  private static final int LABELS_QUICK = 100_000;
  private static final int WIDTH = 64;
  private static final double MOST_GIBIBYTES = 1.5;

  @Override
  public String name() {
    return NAME;
  }

  @Override
  public String title() {
    return "memory of a whole process with " + LABELS + " labels, D=" + WIDTH;
  }

  @Override
  public int seconds(boolean quick) {
    return quick ? 5 : 25;
  }

  @Override
  public void run(Session session) {
    int l = session.quick() ? LABELS_QUICK : LABELS;
    session.progress().expect(LabelKind.values().length);
    for (LabelKind kind : LabelKind.values()) {
      LabelSpec spec = LabelSpec.lossmith(kind);
      session.progress().step(spec.name());
      LabelChild.Figures figures =
          LabelChild.measure(LabelChild.Task.TOTAL, spec, ROWS, l, WIDTH, session.threads());
      session.add(
          Verdict.atMost(
              NAME,
              kind.id() + ": all memory of the process, GiB",
              figures.bytes() / (double) (1 << 30),
              MOST_GIBIBYTES));
      session.add(Verdict.info(NAME, kind.id() + ": seconds", new Samples(figures.seconds())));
    }
  }
}
