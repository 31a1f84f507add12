package org.lossmith.bench.contrastive;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.lossmith.BudgetException;
import org.lossmith.Plan;
import org.lossmith.bench.Row;
import org.lossmith.bench.Session;
import org.lossmith.bench.measure.Samples;
import org.lossmith.bench.provider.ElementType;
import org.lossmith.bench.provider.Provider;

/** Time against memory: Lossmith with growing budgets, and where PyTorch stands. */
public final class ParetoRow implements Row {
  /** Name of the row; the plots look for it. */
  public static final String NAME = "pareto";

  private static final int ROUNDS = 7;
  private static final int LARGEST_MEBIBYTES = 256;

  @Override
  public String name() {
    return NAME;
  }

  @Override
  public String title() {
    return "time against memory over the workspace budget, N=4096 D=256, InfoNCE f32";
  }

  @Override
  public int seconds(boolean quick) {
    return quick ? 6 : 40;
  }

  @Override
  public void run(Session session) {
    int n = session.quick() ? 1024 : 4096;
    int d = session.quick() ? 128 : 256;
    int rounds = session.quick() ? 3 : ROUNDS;
    List<Long> extra = new ArrayList<>();
    try (Field field = new Field(session, n, d)) {
      for (long budget = 1; budget <= LARGEST_MEBIBYTES; budget *= 2) {
        ProviderSpec spec =
            ProviderSpec.lossmith(LossKind.INFONCE, ElementType.F32, Plan.AUTO, budget << 20);
        if (fits(spec, session, n, d)) {
          field.open(spec);
        }
      }
      field.open(ProviderSpec.pytorch(LossKind.INFONCE, ElementType.F32));
      field.open(ProviderSpec.pytorchLean(LossKind.INFONCE, ElementType.F32));
      List<ProviderSpec> specs = field.specs();
      session.progress().expect(specs.size() * (rounds + 2) + 1);
      for (ProviderSpec spec : specs) {
        session.progress().step("memory of " + spec.name());
        extra.add(MemoryChild.measure(spec, n, d, session.threads()));
      }
      session.progress().step("agreement");
      field.check();
      Map<String, Samples> times = field.race(1, rounds, List.of());
      for (int i = 0; i < specs.size(); i++) {
        ProviderSpec spec = specs.get(i);
        session.add(field.measurement(NAME, spec, times.get(spec.name()), null, extra.get(i)));
      }
    }
  }

  /** Whether the smallest plan fits the budget at all; the row leaves out what does not. */
  private static boolean fits(ProviderSpec spec, Session session, int n, int d) {
    Problem problem = Problem.random(spec.type(), n, d, session.seed());
    try (Provider provider = spec.open(problem, session.threads())) {
      provider.run();
      return true;
    } catch (BudgetException e) {
      return false;
    }
  }
}
