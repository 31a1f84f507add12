package org.lossmith.bench.contrastive;

import java.util.List;
import org.lossmith.Plan;
import org.lossmith.bench.measure.Child;
import org.lossmith.bench.measure.ProcessMemory;
import org.lossmith.bench.provider.ElementType;
import org.lossmith.bench.provider.Provider;

/**
 * Peak extra memory of one call: the growth of resident memory above what the process holds when
 * inputs and results are in place. It counts everything, whoever allocates it: workspace, temporary
 * tensors, scratchpads of libraries. Each provider gets a process of its own.
 */
public final class MemoryChild {
  /** Rows of the call that loads libraries and generates code before the measurement. */
  private static final int WARM_ROWS = 64;

  private MemoryChild() {}

  /**
   * Measures a provider in a child process.
   *
   * @return peak extra bytes of its first call on n x d
   */
  public static long measure(ProviderSpec spec, int n, int d, int threads) {
    long arrays = 6L * n * d * Float.BYTES;
    String line =
        Child.run(
            MemoryChild.class,
            arrays,
            List.of(
                spec.kind().name(),
                spec.loss().name(),
                spec.type().name(),
                spec.plan().name(),
                Long.toString(spec.budget()),
                Integer.toString(n),
                Integer.toString(d),
                Integer.toString(threads)));
    return Long.parseLong(line);
  }

  /** The child: arguments as {@link #measure} gives them; prints the bytes. */
  public static void main(String[] arguments) {
    System.setProperty("org.bytedeco.javacpp.maxPhysicalBytes", "0");
    ProviderSpec spec =
        new ProviderSpec(
            ProviderSpec.Kind.valueOf(arguments[0]),
            LossKind.valueOf(arguments[1]),
            ElementType.valueOf(arguments[2]),
            Plan.valueOf(arguments[3]),
            Long.parseLong(arguments[4]));
    int n = Integer.parseInt(arguments[5]);
    int d = Integer.parseInt(arguments[6]);
    int threads = Integer.parseInt(arguments[7]);
    try (Provider warm = spec.open(Problem.random(spec.type(), WARM_ROWS, d, 1), threads)) {
      warm.run();
    }
    Problem problem = Problem.random(spec.type(), n, d, 1);
    try (Provider provider = spec.open(problem, threads)) {
      long extra = ProcessMemory.growth(provider::run);
      if (spec.kind() != ProviderSpec.Kind.LOSSMITH) {
        // Autograd allocates the gradients within the call; Lossmith got them before it.
        extra -= problem.gradientBytes();
      }
      System.out.println(Math.max(extra, 0));
    }
  }
}
