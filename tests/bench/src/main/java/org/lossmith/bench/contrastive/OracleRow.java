package org.lossmith.bench.contrastive;

import java.util.ArrayList;
import java.util.List;
import org.lossmith.Plan;
import org.lossmith.bench.Row;
import org.lossmith.bench.Session;
import org.lossmith.bench.provider.Agreement;
import org.lossmith.bench.provider.ElementType;
import org.lossmith.bench.provider.Provider;

/** Every provider against the definition in double precision, on a small ragged problem. */
public final class OracleRow implements Row {
  private static final int ROWS = 301;
  private static final int WIDTH = 77;

  @Override
  public String name() {
    return "oracle";
  }

  @Override
  public String title() {
    return "all providers against the definition in double precision (always runs)";
  }

  @Override
  public boolean always() {
    return true;
  }

  @Override
  public int seconds(boolean quick) {
    return 3;
  }

  @Override
  public void run(Session session) {
    List<ProviderSpec> specs = specs();
    session.progress().expect(specs.size());
    for (ProviderSpec spec : specs) {
      session.progress().step(spec.name());
      Problem problem = Problem.random(spec.type(), ROWS, WIDTH, session.seed());
      try (Provider oracle = new Oracle(spec.loss(), problem);
          Provider provider = spec.open(problem, session.threads())) {
        oracle.run();
        provider.run();
        session.check(Agreement.of(spec.name(), provider, "oracle f64", oracle, spec.type()));
      }
    }
  }

  private static List<ProviderSpec> specs() {
    List<ProviderSpec> specs = new ArrayList<>();
    for (ElementType type : ElementType.values()) {
      for (LossKind loss : LossKind.values()) {
        for (Plan plan : Plan.values()) {
          specs.add(ProviderSpec.lossmith(loss, type, plan, ProviderSpec.DEFAULT_BUDGET));
        }
        specs.add(ProviderSpec.pytorch(loss, type));
      }
      specs.add(ProviderSpec.pytorchLean(LossKind.INFONCE, type));
    }
    return specs;
  }
}
