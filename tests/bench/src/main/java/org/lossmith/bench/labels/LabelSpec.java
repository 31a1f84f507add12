package org.lossmith.bench.labels;

import java.util.Locale;
import org.lossmith.bench.provider.Provider;

/**
 * Which provider computes which loss. Equal specs compute the same, here or in a child process.
 *
 * @param kind who computes
 * @param loss what
 */
public record LabelSpec(Kind kind, LabelKind loss) {
  /** The providers. */
  public enum Kind {
    /** The fused kernels, with the default budget. */
    LOSSMITH,
    /** PyTorch operators. */
    PYTORCH;

    /** Lower-case name, as rows and JSON spell it. */
    public String id() {
      return name().toLowerCase(Locale.ROOT);
    }
  }

  /** Lossmith. */
  public static LabelSpec lossmith(LabelKind loss) {
    return new LabelSpec(Kind.LOSSMITH, loss);
  }

  /** The composition of PyTorch operators. */
  public static LabelSpec pytorch(LabelKind loss) {
    return new LabelSpec(Kind.PYTORCH, loss);
  }

  /** Makes the provider for a problem. */
  public Provider open(LabelProblem problem, int threads) {
    return switch (kind) {
      case LOSSMITH -> new LossmithLabels(loss, problem, threads);
      case PYTORCH -> new TorchLabels(loss, problem, threads);
    };
  }

  /** Unique name within a row, for people. */
  public String name() {
    return kind.id() + " " + loss.id();
  }
}
