package org.lossmith.bench.labels;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.lossmith.bench.Row;
import org.lossmith.bench.Session;
import org.lossmith.bench.measure.LinearFit;
import org.lossmith.bench.measure.Samples;
import org.lossmith.bench.report.Measurement;
import org.lossmith.bench.report.Verdict;

/** Time and memory of softmax CE against the number of labels. */
public final class LabelScalingRow implements Row {
  /** Name of the row; the plots look for it. */
  public static final String NAME = "labels-scaling";

  private static final int ROWS = 256;
  private static final int WIDTH = 64;
  private static final int SMALLEST = 16384;
  private static final int LARGEST = 1 << 20;
  private static final int LARGEST_QUICK = 32768;

  /** PyTorch ends here: the matrix of scores takes a quarter of a GiB, several times. */
  private static final int LARGEST_PYTORCH = 262144;

  @Override
  public String name() {
    return NAME;
  }

  @Override
  public String title() {
    return "time and memory against L up to " + LARGEST + ", D=" + WIDTH + ", softmax CE f32";
  }

  @Override
  public int seconds(boolean quick) {
    return quick ? 8 : 75;
  }

  @Override
  public void run(Session session) {
    int largest = session.quick() ? LARGEST_QUICK : LARGEST;
    List<Integer> sizes = new ArrayList<>();
    int steps = 0;
    for (int l = SMALLEST; l <= largest; l *= 2) {
      sizes.add(l);
      steps += specs(l).size() * (1 + rounds(l)) + 1;
    }
    session.progress().expect(steps);
    List<Measurement> lines = new ArrayList<>();
    for (int l : sizes) {
      lines.addAll(measure(session, l));
    }
    lines.forEach(session::add);
    LinearFit fit = fit(lines.stream().filter(m -> m.provider().equals("lossmith")).toList());
    session.add(
        Verdict.info(
            NAME,
            "largest deviation of our time from a straight line in L",
            new Samples(fit.deviation())));
    session.report().getDetails().put(NAME, Map.of("rows", ROWS, "line", fit));
  }

  /** The line through the times of one provider. */
  public static LinearFit fit(List<Measurement> lines) {
    return LinearFit.of(
        lines.stream().mapToDouble(Measurement::n).toArray(),
        lines.stream().mapToDouble(m -> m.time().median()).toArray());
  }

  private static List<Measurement> measure(Session session, int l) {
    List<LabelSpec> specs = specs(l);
    List<Long> extra = new ArrayList<>();
    for (LabelSpec spec : specs) {
      session.progress().step("memory of " + spec.name() + " " + l);
      extra.add(
          LabelChild.measure(LabelChild.Task.EXTRA, spec, ROWS, l, WIDTH, session.threads())
              .bytes());
    }
    List<Measurement> lines = new ArrayList<>();
    LabelProblem problem = new LabelProblem(ROWS, l, WIDTH, session.seed());
    try (LabelField field = new LabelField(session, problem)) {
      specs.forEach(field::open);
      session.progress().step("agreement at " + l);
      field.check();
      Map<String, Samples> times = field.race(0, rounds(l), List.of());
      for (int i = 0; i < specs.size(); i++) {
        LabelSpec spec = specs.get(i);
        lines.add(field.measurement(NAME, spec, times.get(spec.name()), null, extra.get(i)));
      }
    }
    return lines;
  }

  private static List<LabelSpec> specs(int l) {
    LabelSpec ours = LabelSpec.lossmith(LabelKind.SOFTMAX_CE);
    return l <= LARGEST_PYTORCH
        ? List.of(ours, LabelSpec.pytorch(LabelKind.SOFTMAX_CE))
        : List.of(ours);
  }

  private static int rounds(int l) {
    return l <= 65536 ? 9 : 5;
  }
}
