package org.lossmith.bench.contrastive;

import java.util.ArrayList;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.lossmith.ContrastivePlan;
import org.lossmith.bench.Session;
import org.lossmith.bench.measure.Contest;
import org.lossmith.bench.measure.Contestant;
import org.lossmith.bench.measure.GemmFloor;
import org.lossmith.bench.measure.Samples;
import org.lossmith.bench.provider.Agreement;
import org.lossmith.bench.provider.ElementType;
import org.lossmith.bench.provider.Provider;
import org.lossmith.bench.report.Measurement;

/**
 * Providers that compete on one n x d: opens them on the same data, checks that they agree, and
 * times them against each other.
 */
final class Field implements AutoCloseable {
  private final Session session;
  private final int n;
  private final int d;
  private final Map<ElementType, Problem> problems = new EnumMap<>(ElementType.class);
  private final Map<ProviderSpec, Provider> providers = new LinkedHashMap<>();

  Field(Session session, int n, int d) {
    this.session = session;
    this.n = n;
    this.d = d;
  }

  /** Opens a provider on the field's data. */
  void open(ProviderSpec spec) {
    Problem problem =
        problems.computeIfAbsent(spec.type(), type -> Problem.random(type, n, d, session.seed()));
    providers.put(spec, spec.open(problem, session.threads()));
  }

  List<ProviderSpec> specs() {
    return List.copyOf(providers.keySet());
  }

  Provider provider(ProviderSpec spec) {
    return providers.get(spec);
  }

  /**
   * Runs everybody once and checks them against the baseline composition of the same loss and type,
   * where it takes part. This is also each provider's first, cold call.
   */
  void check() {
    for (Map.Entry<ProviderSpec, Provider> entry : providers.entrySet()) {
      entry.getValue().run();
    }
    for (Map.Entry<ProviderSpec, Provider> entry : providers.entrySet()) {
      ProviderSpec spec = entry.getKey();
      ProviderSpec baseline = ProviderSpec.pytorch(spec.loss(), spec.type());
      Provider truth = providers.get(baseline);
      if (truth == null || spec.equals(baseline)) {
        continue;
      }
      String subject = spec.name() + " " + n + "x" + d;
      session.check(Agreement.of(subject, entry.getValue(), baseline.name(), truth, spec.type()));
    }
  }

  /** Times everybody, and the additional contestants, in the same rounds. */
  Map<String, Samples> race(int warmup, int rounds, List<? extends Contestant> others) {
    Contest contest = new Contest();
    providers.forEach(
        (spec, provider) -> contest.add(Contestant.timed(spec.name(), provider::run)));
    others.forEach(contest::add);
    return contest.run(warmup, rounds, session.progress()::step);
  }

  /** The line of a provider; {@code floor} and {@code extraBytes} may be null. */
  Measurement measurement(
      String row, ProviderSpec spec, Samples time, Samples floor, Long extraBytes) {
    String plan = null;
    Long budget = null;
    Long workspace = null;
    if (providers.get(spec) instanceof LossmithProvider lossmith) {
      ContrastivePlan chosen = lossmith.plan();
      plan = chosen.plan().name().toLowerCase(Locale.ROOT);
      budget = spec.budget();
      workspace = lossmith.workspaceBytes();
    }
    return new Measurement(
        row,
        spec.name(),
        spec.kind().id(),
        spec.loss().id(),
        spec.type().id(),
        (long) n,
        (long) d,
        plan,
        budget,
        time,
        GemmFloor.CONTRASTIVE * 2.0 * n * n * d / time.median(),
        floor == null ? null : floor.over(time).median(),
        workspace,
        extraBytes);
  }

  @Override
  public void close() {
    List<Provider> open = new ArrayList<>(providers.values());
    providers.clear();
    open.forEach(Provider::close);
  }
}
