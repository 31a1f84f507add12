package org.lossmith.bench.contrastive;

import java.util.Locale;
import org.lossmith.Context;
import org.lossmith.Plan;
import org.lossmith.bench.provider.ElementType;
import org.lossmith.bench.provider.Provider;

/**
 * Which provider computes which loss, and how. Equal specs compute the same, here or in a child
 * process.
 *
 * @param kind who computes
 * @param loss what
 * @param type element type of inputs and gradients
 * @param plan Lossmith: store, recompute or its own choice; ignored by the others
 * @param budget Lossmith: workspace budget in bytes; ignored by the others
 */
public record ProviderSpec(Kind kind, LossKind loss, ElementType type, Plan plan, long budget) {
  /** Workspace budget of every row that does not vary it: the library's default. */
  public static final long DEFAULT_BUDGET = Context.DEFAULT_BUDGET;

  /** The providers. */
  public enum Kind {
    /** The fused kernels. */
    LOSSMITH,
    /** PyTorch operators as OpenCLIP arranges them. */
    PYTORCH,
    /** PyTorch operators with one logits product for both directions. */
    PYTORCH_LEAN;

    /** Lower-case name, as rows and JSON spell it. */
    public String id() {
      return name().toLowerCase(Locale.ROOT).replace('_', '-');
    }
  }

  /** Lossmith with its default budget and its own choice of plan. */
  public static ProviderSpec lossmith(LossKind loss, ElementType type) {
    return new ProviderSpec(Kind.LOSSMITH, loss, type, Plan.AUTO, DEFAULT_BUDGET);
  }

  /** Lossmith with a given plan and budget. */
  public static ProviderSpec lossmith(LossKind loss, ElementType type, Plan plan, long budget) {
    return new ProviderSpec(Kind.LOSSMITH, loss, type, plan, budget);
  }

  /** The composition of PyTorch operators that is the baseline. */
  public static ProviderSpec pytorch(LossKind loss, ElementType type) {
    return new ProviderSpec(Kind.PYTORCH, loss, type, Plan.AUTO, 0);
  }

  /** The leanest composition of PyTorch operators. */
  public static ProviderSpec pytorchLean(LossKind loss, ElementType type) {
    return new ProviderSpec(Kind.PYTORCH_LEAN, loss, type, Plan.AUTO, 0);
  }

  /** Makes the provider for a problem. */
  public Provider open(Problem problem, int threads) {
    return switch (kind) {
      case LOSSMITH -> new LossmithProvider(this, problem, threads);
      case PYTORCH ->
          new PyTorchProvider(loss, PyTorchProvider.Composition.USUAL, problem, threads);
      case PYTORCH_LEAN ->
          new PyTorchProvider(loss, PyTorchProvider.Composition.ONE_PRODUCT, problem, threads);
    };
  }

  /** Unique name within a row, for people. */
  public String name() {
    String base = kind.id() + " " + loss.id() + " " + type.id();
    if (kind != Kind.LOSSMITH || (plan == Plan.AUTO && budget == DEFAULT_BUDGET)) {
      return base;
    }
    return base + " " + plan.name().toLowerCase(Locale.ROOT) + " " + (budget >> 20) + " MiB";
  }
}
