package org.lossmith.bench.labels;

import java.util.Map;
import org.lossmith.bench.Row;
import org.lossmith.bench.Session;
import org.lossmith.bench.measure.Contest;
import org.lossmith.bench.measure.Contestant;
import org.lossmith.bench.measure.Samples;
import org.lossmith.bench.provider.Agreement;
import org.lossmith.bench.provider.ElementType;
import org.lossmith.bench.report.Verdict;

/** A step of Adagrad in the same pass as the loss, against the gradient and a step after it. */
public final class UpdateRow implements Row {
  private static final String NAME = "labels-update";
  private static final String FUSED = "fused step";
  private static final String SEPARATE = "gradient, then step";
  private static final LabelKind KIND = LabelKind.DECOUPLED_SOFTMAX;
  private static final int ROWS = 96;
  private static final int LABELS = 131072;
  private static final int LABELS_QUICK = 8192;
  private static final int WIDTH = 256;
  private static final int ROUNDS = 7;

  @Override
  public String name() {
    return NAME;
  }

  @Override
  public String title() {
    return "Adagrad in the same pass against gradient-then-step, " + ROWS + "x" + LABELS;
  }

  @Override
  public int seconds(boolean quick) {
    return quick ? 4 : 25;
  }

  @Override
  public void run(Session session) {
    int l = session.quick() ? LABELS_QUICK : LABELS;
    int threads = session.threads();
    session.progress().expect(3 + 2 * ROUNDS);
    LabelSpec spec = LabelSpec.lossmith(KIND);
    session.progress().step("memory of " + FUSED);
    double fusedBytes =
        LabelChild.measure(LabelChild.Task.FUSED_STEP, spec, ROWS, l, WIDTH, threads).bytes();
    session.progress().step("memory of " + SEPARATE);
    double separateBytes =
        LabelChild.measure(LabelChild.Task.SEPARATE_STEP, spec, ROWS, l, WIDTH, threads).bytes();
    LabelProblem problem = new LabelProblem(ROWS, l, WIDTH, session.seed());
    try (LabelStep fused = new LabelStep(KIND, problem, true, threads);
        LabelStep separate = new LabelStep(KIND, problem, false, threads)) {
      session.progress().step("agreement");
      fused.run();
      separate.run();
      session.check(Agreement.of(FUSED, fused, SEPARATE, separate, ElementType.F32));
      Contest contest = new Contest();
      contest.add(Contestant.timed(FUSED, fused::run));
      contest.add(Contestant.timed(SEPARATE, separate::run));
      Map<String, Samples> times = contest.run(0, ROUNDS, session.progress()::step);
      session.add(Verdict.info(NAME, FUSED + ", seconds", times.get(FUSED)));
      session.add(Verdict.info(NAME, SEPARATE + ", seconds", times.get(SEPARATE)));
      session.add(
          Verdict.info(NAME, SEPARATE + " / " + FUSED, times.get(SEPARATE).over(times.get(FUSED))));
      session.add(
          Verdict.info(
              NAME,
              "memory that the fused step saves, MiB",
              new Samples((separateBytes - fusedBytes) / (1 << 20))));
    }
  }
}
