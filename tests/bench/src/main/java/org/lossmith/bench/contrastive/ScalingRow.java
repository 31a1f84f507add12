package org.lossmith.bench.contrastive;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.lossmith.bench.Row;
import org.lossmith.bench.Session;
import org.lossmith.bench.measure.ProcessMemory;
import org.lossmith.bench.measure.Samples;
import org.lossmith.bench.provider.ElementType;
import org.lossmith.bench.report.Measurement;
import org.lossmith.bench.report.Verdict;

/** Time and memory of symmetric InfoNCE, f32, against N at a fixed D. */
public final class ScalingRow implements Row {
  /** Name of the row; the plots look for it. */
  public static final String NAME = "scaling";

  private static final int WIDTH = 128;
  private static final int SMALLEST = 1024;
  private static final int LARGEST = 65536;
  private static final int LARGEST_QUICK = 4096;

  /** PyTorch ends here: the next N would take four times its time and memory. */
  private static final int LARGEST_PYTORCH = 16384;

  /** Matrices of n x n floats that the composition keeps at its peak, generously. */
  private static final int PYTORCH_MATRICES = 9;

  /** From here on the n^2 part dominates, so the exponent can be judged. */
  private static final int ASYMPTOTIC = 8192;

  private static final double MAX_EXPONENT = 2.1;

  @Override
  public String name() {
    return NAME;
  }

  @Override
  public String title() {
    return "time and memory against N up to " + LARGEST + ", D=" + WIDTH + ", InfoNCE f32";
  }

  @Override
  public int seconds(boolean quick) {
    return quick ? 8 : 120;
  }

  @Override
  public void run(Session session) {
    int largest = session.quick() ? LARGEST_QUICK : LARGEST;
    List<Integer> sizes = new ArrayList<>();
    int steps = 0;
    for (int n = SMALLEST; n <= largest; n *= 2) {
      sizes.add(n);
      steps += specs(n).size() * (2 + warmup(n) + rounds(n));
    }
    session.progress().expect(steps);
    List<Measurement> lines = new ArrayList<>();
    for (int n : sizes) {
      lines.addAll(measure(session, n));
    }
    lines.forEach(session::add);
    List<Measurement> ours = lines.stream().filter(m -> m.provider().equals("lossmith")).toList();
    Measurement last = ours.get(ours.size() - 1);
    session.add(
        Verdict.atMost(
            NAME,
            "extra memory at N=" + last.n() + " over budget + 64 bytes a row",
            last.extraBytes() / (double) (last.budgetBytes() + 64 * last.n()),
            1.0));
    if (largest > ASYMPTOTIC) {
      Measurement first = ours.stream().filter(m -> m.n() == ASYMPTOTIC).findFirst().orElseThrow();
      double exponent =
          Math.log(last.time().median() / first.time().median())
              / Math.log((double) last.n() / first.n());
      session.add(
          Verdict.atMost(
              NAME,
              "exponent of time in N, " + first.n() + " to " + last.n(),
              exponent,
              MAX_EXPONENT));
    }
  }

  private List<Measurement> measure(Session session, int n) {
    List<ProviderSpec> specs = specs(n);
    List<Long> extra = new ArrayList<>();
    for (ProviderSpec spec : specs) {
      session.progress().step("memory of " + spec.name() + " " + n);
      extra.add(MemoryChild.measure(spec, n, WIDTH, session.threads()));
    }
    List<Measurement> lines = new ArrayList<>();
    try (Field field = new Field(session, n, WIDTH)) {
      specs.forEach(field::open);
      session.progress().step("agreement at " + n);
      if (warmup(n) > 0) {
        field.check();
      }
      Map<String, Samples> times = field.race(warmup(n), rounds(n), List.of());
      for (int i = 0; i < specs.size(); i++) {
        ProviderSpec spec = specs.get(i);
        lines.add(field.measurement(NAME, spec, times.get(spec.name()), null, extra.get(i)));
      }
    }
    return lines;
  }

  private static List<ProviderSpec> specs(int n) {
    List<ProviderSpec> specs = new ArrayList<>();
    specs.add(ProviderSpec.lossmith(LossKind.INFONCE, ElementType.F32));
    long needed = (long) PYTORCH_MATRICES * Float.BYTES * n * n;
    if (n <= LARGEST_PYTORCH && needed < ProcessMemory.available()) {
      specs.add(ProviderSpec.pytorch(LossKind.INFONCE, ElementType.F32));
    }
    return specs;
  }

  /** A call of many seconds warms itself up. */
  private static int warmup(int n) {
    return n <= 16384 ? 1 : 0;
  }

  private static int rounds(int n) {
    return n <= 4096 ? 9 : n <= 16384 ? 3 : 1;
  }
}
