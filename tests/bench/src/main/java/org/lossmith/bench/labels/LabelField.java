package org.lossmith.bench.labels;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.lossmith.Context;
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
 * Providers that compete on one problem: opens them on the same data, checks that they agree, and
 * times them against each other.
 */
final class LabelField implements AutoCloseable {
  private final Session session;
  private final LabelProblem problem;
  private final Map<LabelSpec, Provider> providers = new LinkedHashMap<>();

  LabelField(Session session, LabelProblem problem) {
    this.session = session;
    this.problem = problem;
  }

  /** Opens a provider on the field's data. */
  void open(LabelSpec spec) {
    providers.put(spec, spec.open(problem, session.threads()));
  }

  /**
   * Runs everybody once and checks Lossmith against the composition of the same loss, where it
   * takes part. This is also each provider's first, cold call.
   */
  void check() {
    providers.values().forEach(Provider::run);
    providers.forEach(
        (spec, provider) -> {
          LabelSpec baseline = LabelSpec.pytorch(spec.loss());
          Provider truth = providers.get(baseline);
          if (truth != null && !spec.equals(baseline)) {
            String subject = spec.name() + " " + problem.rows() + "x" + problem.labels();
            session.check(Agreement.of(subject, provider, baseline.name(), truth, ElementType.F32));
          }
        });
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
      String row, LabelSpec spec, Samples time, Samples floor, Long extraBytes) {
    String plan = null;
    Long budget = null;
    Long workspace = null;
    if (providers.get(spec) instanceof LossmithLabels lossmith) {
      ContrastivePlan chosen = lossmith.plan();
      plan = chosen.plan().name().toLowerCase(Locale.ROOT);
      budget = Context.DEFAULT_BUDGET;
      workspace = lossmith.workspaceBytes();
    }
    double operations =
        GemmFloor.LABELS * 2.0 * problem.rows() * problem.labels() * problem.width();
    return new Measurement(
        row,
        spec.name(),
        spec.kind().id(),
        spec.loss().id(),
        ElementType.F32.id(),
        (long) problem.labels(),
        (long) problem.width(),
        plan,
        budget,
        time,
        operations / time.median(),
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
