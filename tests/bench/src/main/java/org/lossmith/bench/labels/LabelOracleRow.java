package org.lossmith.bench.labels;

import org.lossmith.bench.Row;
import org.lossmith.bench.Session;
import org.lossmith.bench.provider.Agreement;
import org.lossmith.bench.provider.ElementType;
import org.lossmith.bench.provider.Provider;

/** Every provider against the definition in double precision, on a small ragged problem. */
public final class LabelOracleRow implements Row {
  private static final int ROWS = 131;
  private static final int LABELS = 1543;
  private static final int WIDTH = 37;

  @Override
  public String name() {
    return "labels-oracle";
  }

  @Override
  public String title() {
    return "all providers of the losses over labels against the definition (always runs)";
  }

  @Override
  public boolean always() {
    return true;
  }

  @Override
  public int seconds(boolean quick) {
    return 2;
  }

  @Override
  public void run(Session session) {
    LabelProblem problem = new LabelProblem(ROWS, LABELS, WIDTH, session.seed());
    session.progress().expect(LabelKind.values().length);
    for (LabelKind kind : LabelKind.values()) {
      session.progress().step(kind.id());
      try (Provider oracle = new LabelOracle(kind, problem)) {
        oracle.run();
        for (LabelSpec.Kind who : LabelSpec.Kind.values()) {
          LabelSpec spec = new LabelSpec(who, kind);
          try (Provider provider = spec.open(problem, session.threads())) {
            provider.run();
            session.check(
                Agreement.of(spec.name(), provider, "oracle f64", oracle, ElementType.F32));
          }
        }
      }
    }
  }
}
