package org.lossmith.bench.labels;

import java.util.List;
import java.util.Locale;
import org.lossmith.bench.measure.Child;
import org.lossmith.bench.measure.ProcessMemory;
import org.lossmith.bench.provider.Provider;

/** What is measured in a process of its own: memory. */
final class LabelChild {
  /** Labels of the call that loads libraries and generates code before the measurement. */
  private static final int WARM_LABELS = 256;

  private static final int WARM_ROWS = 16;

  /** What a child reports: bytes and the seconds of a second call. */
  record Figures(long bytes, double seconds) {}

  /** What a child does. */
  enum Task {
    /** Growth of memory over the first call of a provider, gradients not counted. */
    EXTRA,
    /** All memory of the process, inputs and gradients included, and the time of a warm call. */
    TOTAL,
    /** All memory of a process that computes the labels' gradient and then steps. */
    SEPARATE_STEP,
    /** All memory of a process that steps in the same pass. */
    FUSED_STEP
  }

  private LabelChild() {}

  /** Runs a task in a child process. */
  static Figures measure(Task task, LabelSpec spec, int n, int l, int d, int threads) {
    List<String> arguments =
        List.of(
            task.name(),
            spec.kind().name(),
            spec.loss().name(),
            Integer.toString(n),
            Integer.toString(l),
            Integer.toString(d),
            Integer.toString(threads));
    String[] line = Child.run(LabelChild.class, 0, arguments).split(" ");
    return new Figures(Long.parseLong(line[0]), Double.parseDouble(line[1]));
  }

  /** The child: arguments as {@link #measure} gives them; prints bytes and seconds. */
  public static void main(String[] arguments) {
    System.setProperty("org.bytedeco.javacpp.maxPhysicalBytes", "0");
    Task task = Task.valueOf(arguments[0]);
    LabelSpec spec =
        new LabelSpec(LabelSpec.Kind.valueOf(arguments[1]), LabelKind.valueOf(arguments[2]));
    int n = Integer.parseInt(arguments[3]);
    int l = Integer.parseInt(arguments[4]);
    int d = Integer.parseInt(arguments[5]);
    int threads = Integer.parseInt(arguments[6]);
    LabelProblem small = new LabelProblem(WARM_ROWS, WARM_LABELS, d, 1);
    try (Provider warm = open(task, spec, small, threads)) {
      warm.run();
    }
    LabelProblem problem = new LabelProblem(n, l, d, 1);
    try (Provider provider = open(task, spec, problem, threads)) {
      long bytes = ProcessMemory.growth(provider::run);
      if (task != Task.EXTRA) {
        bytes = ProcessMemory.peak();
      } else if (spec.kind() != LabelSpec.Kind.LOSSMITH) {
        // Autograd allocates the gradients within the call; Lossmith got them before it.
        bytes = Math.max(0, bytes - problem.gradientBytes());
      }
      long start = System.nanoTime();
      provider.run();
      double seconds = (System.nanoTime() - start) * 1e-9;
      System.out.println(String.format(Locale.ROOT, "%d %.6f", bytes, seconds));
    }
  }

  private static Provider open(Task task, LabelSpec spec, LabelProblem problem, int threads) {
    return switch (task) {
      case EXTRA, TOTAL -> spec.open(problem, threads);
      case SEPARATE_STEP -> new LabelStep(spec.loss(), problem, false, threads);
      case FUSED_STEP -> new LabelStep(spec.loss(), problem, true, threads);
    };
  }
}
