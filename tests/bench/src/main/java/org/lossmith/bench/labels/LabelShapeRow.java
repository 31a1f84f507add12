package org.lossmith.bench.labels;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.lossmith.Context;
import org.lossmith.DType;
import org.lossmith.bench.Row;
import org.lossmith.bench.Session;
import org.lossmith.bench.measure.GemmFloor;
import org.lossmith.bench.measure.Samples;
import org.lossmith.bench.provider.ElementType;
import org.lossmith.bench.report.Measurement;
import org.lossmith.bench.report.Verdict;

/** The three losses against the PyTorch compositions and the floor of three products. */
public final class LabelShapeRow implements Row {
  private static final String NAME = "labels";
  private static final String FLOOR = "floor";
  private static final int ROWS = 512;
  private static final int LABELS = 131072;
  private static final int LABELS_QUICK = 8192;
  private static final int WIDTH = 256;
  private static final int ROUNDS = 5;
  private static final double MIN_SPEEDUP = 2.3;
  private static final double MIN_TOP_K_SPEEDUP = 6;
  private static final double MIN_FLOOR_RATIO = 0.85;
  private static final double MAX_EXTRA_MEBIBYTES = 64;

  @Override
  public String name() {
    return NAME;
  }

  @Override
  public String title() {
    return "softmax CE, decoupled softmax, soft top-k, "
        + ROWS
        + "x"
        + LABELS
        + " D="
        + WIDTH
        + ", against PyTorch and the floor";
  }

  @Override
  public int seconds(boolean quick) {
    return quick ? 15 : 150;
  }

  @Override
  public void run(Session session) {
    int l = session.quick() ? LABELS_QUICK : LABELS;
    List<LabelSpec> specs = new ArrayList<>();
    for (LabelKind kind : LabelKind.values()) {
      specs.add(LabelSpec.lossmith(kind));
      specs.add(LabelSpec.pytorch(kind));
    }
    session.progress().expect(specs.size() + 2 + (specs.size() + 1) * ROUNDS);
    Map<LabelSpec, Long> extra = new LinkedHashMap<>();
    for (LabelSpec spec : specs) {
      session.progress().step("memory of " + spec.name());
      extra.put(
          spec,
          LabelChild.measure(LabelChild.Task.EXTRA, spec, ROWS, l, WIDTH, session.threads())
              .bytes());
    }
    LabelProblem problem = new LabelProblem(ROWS, l, WIDTH, session.seed());
    try (LabelField field = new LabelField(session, problem);
        Context context = Context.builder().threads(session.threads()).build()) {
      session.progress().step("agreement");
      specs.forEach(field::open);
      field.check();
      session.progress().step("shapes of the floor");
      GemmFloor floor = new GemmFloor(FLOOR, context, DType.F32, GemmFloor.LABELS, ROWS, l, WIDTH);
      Map<String, Samples> times = field.race(0, ROUNDS, List.of(floor));
      for (LabelSpec spec : specs) {
        session.add(
            field.measurement(
                NAME, spec, times.get(spec.name()), times.get(FLOOR), extra.get(spec)));
      }
      session.add(
          new Measurement(
              NAME,
              FLOOR,
              FLOOR,
              null,
              ElementType.F32.id(),
              (long) l,
              (long) WIDTH,
              null,
              null,
              times.get(FLOOR),
              floor.operations() / times.get(FLOOR).median(),
              1.0,
              null,
              null));
      session.report().getDetails().put(NAME, Map.of("rows", ROWS, "floorShape", floor.best()));
      for (LabelKind kind : LabelKind.values()) {
        judge(session, kind, times, extra.get(LabelSpec.lossmith(kind)));
      }
    }
  }

  private static void judge(
      Session session, LabelKind kind, Map<String, Samples> times, long extra) {
    boolean topK = kind == LabelKind.SOFT_TOP_K;
    Samples ours = times.get(LabelSpec.lossmith(kind).name());
    Samples pytorch = times.get(LabelSpec.pytorch(kind).name());
    session.add(
        Verdict.atLeast(
            NAME,
            kind.id() + ": PyTorch / ours",
            pytorch.over(ours),
            topK ? MIN_TOP_K_SPEEDUP : MIN_SPEEDUP));
    Samples floor = times.get(FLOOR).over(ours);
    String name = kind.id() + ": floor / ours";
    session.add(
        topK
            ? Verdict.info(NAME, name, floor)
            : Verdict.atLeast(NAME, name, floor, MIN_FLOOR_RATIO));
    session.add(
        Verdict.atMost(
            NAME,
            kind.id() + ": extra memory, MiB",
            extra / (double) (1 << 20),
            MAX_EXTRA_MEBIBYTES));
  }
}
