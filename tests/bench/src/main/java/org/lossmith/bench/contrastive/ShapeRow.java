package org.lossmith.bench.contrastive;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.lossmith.Context;
import org.lossmith.Plan;
import org.lossmith.bench.Row;
import org.lossmith.bench.Session;
import org.lossmith.bench.measure.Contestant;
import org.lossmith.bench.measure.CopyFloor;
import org.lossmith.bench.measure.GemmFloor;
import org.lossmith.bench.measure.Samples;
import org.lossmith.bench.provider.ElementType;
import org.lossmith.bench.report.Measurement;
import org.lossmith.bench.report.Verdict;

/**
 * Everything that competes on one n x d, in the same rounds: both losses, both element types,
 * Lossmith by its plans, the PyTorch compositions, and the floors.
 */
public final class ShapeRow implements Row {
  private static final double MIN_SPEEDUP = 2.8;
  private static final double MIN_FLOOR_RATIO = 0.90;
  private static final double MIN_BF16_SPEEDUP = 1.6;
  private static final double MAX_CWCL_COST = 1.05;
  private static final double MAX_EXTRA_MEBIBYTES = 64;

  private final int n;
  private final int d;
  private final int rounds;
  private final int seconds;

  /** A row for n x d with that many counted rounds. */
  public ShapeRow(int n, int d, int rounds, int seconds) {
    this.n = n;
    this.d = d;
    this.rounds = rounds;
    this.seconds = seconds;
  }

  @Override
  public String name() {
    return n + "x" + d;
  }

  @Override
  public String title() {
    return "InfoNCE and CWCL, f32 and bf16, against PyTorch and the floors, N=" + n + " D=" + d;
  }

  @Override
  public int seconds(boolean quick) {
    return seconds;
  }

  /** Budget that holds the scores and everything else of a call. */
  private long largeBudget() {
    return 4L * n * n + (128L << 20);
  }

  private List<ProviderSpec> specs() {
    List<ProviderSpec> specs = new ArrayList<>();
    for (ElementType type : ElementType.values()) {
      for (LossKind loss : LossKind.values()) {
        specs.add(ProviderSpec.lossmith(loss, type));
        specs.add(ProviderSpec.pytorch(loss, type));
      }
      for (Plan plan : Plan.values()) {
        specs.add(ProviderSpec.lossmith(LossKind.INFONCE, type, plan, largeBudget()));
      }
    }
    specs.add(ProviderSpec.pytorchLean(LossKind.INFONCE, ElementType.F32));
    return specs;
  }

  @Override
  public void run(Session session) {
    List<ProviderSpec> specs = specs();
    Map<ProviderSpec, Long> extra = new LinkedHashMap<>();
    int warmup = 1;
    int counted = session.quick() ? 3 : rounds;
    int contestants = specs.size() + ElementType.values().length + 1;
    List<ProviderSpec> inChildren = specs.stream().filter(this::memoryCounts).toList();
    session.progress().expect(inChildren.size() + 1 + contestants * (warmup + counted));
    for (ProviderSpec spec : inChildren) {
      session.progress().step("memory of " + spec.name());
      extra.put(spec, MemoryChild.measure(spec, n, d, session.threads()));
    }
    session.progress().step("agreement");
    try (Field field = new Field(session, n, d);
        Context context = Context.builder().threads(session.threads()).build()) {
      specs.forEach(field::open);
      field.check();
      List<GemmFloor> floors = new ArrayList<>();
      for (ElementType type : ElementType.values()) {
        floors.add(
            new GemmFloor(
                "floor " + type.id(), context, type.dtype(), GemmFloor.CONTRASTIVE, n, n, d));
      }
      List<Contestant> others = new ArrayList<>(floors);
      others.add(new CopyFloor(context));
      Map<String, Samples> times = field.race(warmup, counted, others);
      for (ProviderSpec spec : specs) {
        Samples floor = times.get("floor " + spec.type().id());
        session.add(
            field.measurement(name(), spec, times.get(spec.name()), floor, extra.get(spec)));
      }
      reportFloors(session, floors, times);
      for (ElementType type : ElementType.values()) {
        judge(session, type, times, extra);
        judgePlanner(session, field, type, times);
      }
    }
  }

  /** Memory is measured where it is a claim: not for the plans with a deliberately large budget. */
  private boolean memoryCounts(ProviderSpec spec) {
    return spec.budget() <= ProviderSpec.DEFAULT_BUDGET;
  }

  private void reportFloors(Session session, List<GemmFloor> floors, Map<String, Samples> times) {
    Map<String, Object> shapes = new LinkedHashMap<>();
    for (GemmFloor floor : floors) {
      Samples time = times.get(floor.name());
      String type = floor.name().substring(floor.name().indexOf(' ') + 1);
      double rate = floor.operations() / time.median();
      session.add(
          new Measurement(
              name(),
              floor.name(),
              "floor",
              null,
              type,
              (long) n,
              (long) d,
              null,
              null,
              time,
              rate,
              1.0,
              null,
              null));
      shapes.put(type, floor.best());
    }
    double copy = CopyFloor.BYTES / times.get("floor copy").median();
    session
        .report()
        .getDetails()
        .put(name(), Map.of("floorShapes", shapes, "copyBytesPerSecond", copy));
  }

  private void judge(
      Session session,
      ElementType type,
      Map<String, Samples> times,
      Map<ProviderSpec, Long> extra) {
    ProviderSpec infoNce = ProviderSpec.lossmith(LossKind.INFONCE, type);
    Samples infoNceTime = times.get(infoNce.name());
    for (LossKind loss : LossKind.values()) {
      ProviderSpec ours = ProviderSpec.lossmith(loss, type);
      Samples time = times.get(ours.name());
      String what = loss.id() + " " + type.id();
      Samples speedup = times.get(ProviderSpec.pytorch(loss, type).name()).over(time);
      Samples floor = times.get("floor " + type.id()).over(time);
      if (type == ElementType.F32) {
        session.add(Verdict.atLeast(name(), what + ": PyTorch / ours", speedup, MIN_SPEEDUP));
        session.add(Verdict.atLeast(name(), what + ": floor / ours", floor, MIN_FLOOR_RATIO));
      } else {
        session.add(Verdict.info(name(), what + ": PyTorch / ours", speedup));
        session.add(Verdict.info(name(), what + ": floor / ours", floor));
      }
      session.add(
          Verdict.atMost(
              name(),
              what + ": extra memory, MiB",
              extra.get(ours) / (double) (1 << 20),
              MAX_EXTRA_MEBIBYTES));
    }
    Samples cwcl = times.get(ProviderSpec.lossmith(LossKind.CWCL, type).name());
    session.add(
        Verdict.atMost(
            name(), type.id() + ": CWCL / InfoNCE", cwcl.over(infoNceTime), MAX_CWCL_COST));
    if (type == ElementType.F32) {
      Samples lean = times.get(ProviderSpec.pytorchLean(LossKind.INFONCE, type).name());
      session.add(
          Verdict.info(
              name(), "infonce f32: PyTorch with one product / ours", lean.over(infoNceTime)));
    } else {
      for (LossKind loss : LossKind.values()) {
        Samples wide = times.get(ProviderSpec.lossmith(loss, ElementType.F32).name());
        Samples narrow = times.get(ProviderSpec.lossmith(loss, type).name());
        session.add(
            Verdict.atLeast(
                name(), loss.id() + ": f32 / bf16", wide.over(narrow), MIN_BF16_SPEEDUP));
      }
    }
  }

  /** With a budget that holds the scores the planner must take the faster plan. */
  private void judgePlanner(
      Session session, Field field, ElementType type, Map<String, Samples> times) {
    Map<Plan, Samples> byPlan = new LinkedHashMap<>();
    for (Plan plan : Plan.values()) {
      ProviderSpec spec = ProviderSpec.lossmith(LossKind.INFONCE, type, plan, largeBudget());
      byPlan.put(plan, times.get(spec.name()));
    }
    ProviderSpec auto = ProviderSpec.lossmith(LossKind.INFONCE, type, Plan.AUTO, largeBudget());
    Plan chosen = ((LossmithProvider) field.provider(auto)).plan().plan();
    Plan other = chosen == Plan.STORE ? Plan.RECOMPUTE : Plan.STORE;
    String name =
        String.format("infonce %s: %s (chosen) / %s", type.id(), chosen, other)
            .toLowerCase(Locale.ROOT);
    session.add(Verdict.atMost(name(), name, byPlan.get(chosen).over(byPlan.get(other)), 1.0));
  }
}
