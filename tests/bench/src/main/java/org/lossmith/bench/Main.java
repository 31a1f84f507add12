package org.lossmith.bench;

import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.Callable;
import org.lossmith.bench.report.Format;
import org.lossmith.bench.report.Output;
import org.lossmith.bench.report.Tables;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** The command line of the benchmarks. */
@Command(
    name = "bench",
    mixinStandardHelpOptions = true,
    version = "lossmith-bench 0.1.0",
    sortOptions = false,
    description = {
      "Times Lossmith against the same losses composed in PyTorch and against the machine's own"
          + " limits, interleaved in one process, after checking that all agree.",
      "Writes results, a table and plots to the output folder: results.json and results.md for the"
          + " suite contrastive, labels.json and quantization.json (.md) for the others."
    },
    exitCodeListHeading = "%nExit codes:%n",
    exitCodeList = {
      "0:everything was measured",
      "1:providers disagree, or something failed",
      "2:wrong usage"
    })
public final class Main implements Callable<Integer> {
  private static final String FAILED = "failed";

  @Parameters(
      arity = "0..1",
      paramLabel = "SUITE",
      defaultValue = "contrastive",
      description = "contrastive, labels or quantization (default: ${DEFAULT-VALUE}).")
  private Suite suite;

  @Option(names = "--quick", description = "Small sizes, a minute: shows that everything works.")
  private boolean quick;

  @Option(
      names = "--rows",
      split = ",",
      paramLabel = "NAME",
      description = "Only these rows, separated by commas (see --list). Default: all.")
  private Set<String> rows = new LinkedHashSet<>();

  @Option(names = "--list", description = "Print the names of the rows of the suite and stop.")
  private boolean list;

  @Option(names = "--json", description = "Print the results as one JSON object on stdout.")
  private boolean json;

  @Option(
      names = "--out",
      paramLabel = "DIR",
      defaultValue = "bench-out",
      description = "Folder for results and plots (default: ${DEFAULT-VALUE}).")
  private Path out;

  @Option(
      names = "--threads",
      paramLabel = "N",
      description = "Threads of every provider (default: all cores).")
  private int threads = Runtime.getRuntime().availableProcessors();

  @Option(
      names = "--seed",
      paramLabel = "N",
      defaultValue = "1",
      description = "Seed of the data (default: ${DEFAULT-VALUE}).")
  private long seed;

  @CommandLine.Spec private CommandLine.Model.CommandSpec spec;

  /** Starts the benchmarks. */
  public static void main(String[] arguments) {
    // PyTorch's tensors are no Java memory; JavaCPP must not count resident memory against the
    // heap.
    System.setProperty("org.bytedeco.javacpp.maxPhysicalBytes", "0");
    System.setProperty("java.awt.headless", "true");
    CommandLine line = new CommandLine(new Main()).setCaseInsensitiveEnumValuesAllowed(true);
    line.setExecutionExceptionHandler(
        (exception, command, result) -> {
          if (exception instanceof DisagreementException
              || exception instanceof IOException
              || exception instanceof IllegalStateException) {
            command.getErr().println("bench: " + exception.getMessage());
            return 1;
          }
          throw exception;
        });
    System.exit(line.execute(arguments));
  }

  @Override
  public Integer call() throws IOException {
    if (threads < 1) {
      throw usage("--threads: expected a number of at least 1, got " + threads);
    }
    if (list) {
      PrintStream stdout = System.out;
      suite.rows(quick).forEach(row -> stdout.printf("%-15s %s%n", row.name(), row.title()));
      return 0;
    }
    List<Row> selected;
    try {
      selected = suite.select(quick, rows);
    } catch (IllegalArgumentException e) {
      throw usage(e.getMessage());
    }
    Session session = run(selected);
    Output.write(session.report(), out, suite.files());
    if (json) {
      System.out.println(Output.json(session.report()));
    } else {
      Tables.print(session.report(), System.out);
      System.out.println("Results and plots: " + out);
    }
    if (session.report().getRun().get(FAILED) instanceof Map<?, ?> failures) {
      failures.forEach((row, message) -> System.err.println("bench: " + row + ": " + message));
      return 1;
    }
    return 0;
  }

  private CommandLine.ParameterException usage(String message) {
    return new CommandLine.ParameterException(spec.commandLine(), message);
  }

  private Session run(List<Row> selected) {
    long start = System.nanoTime();
    int total = selected.stream().mapToInt(row -> row.seconds(quick)).sum();
    try (Progress progress = new Progress(System.err, total)) {
      Session session = new Session(quick, threads, seed, progress);
      Map<String, String> failures = new LinkedHashMap<>();
      for (Row row : selected) {
        progress.row(row.name(), row.seconds(quick));
        try {
          row.run(session);
        } catch (IllegalStateException e) {
          // What other rows measure stays valid.
          failures.put(row.name(), e.getMessage());
        }
      }
      Output.describe(session.report());
      session.report().getRun().put("suite", suite.id());
      session.report().getRun().put("quick", quick);
      session.report().getRun().put("rows", selected.stream().map(Row::name).toList());
      if (!failures.isEmpty()) {
        session.report().getRun().put(FAILED, failures);
      }
      session.report().getRun().put("threads", threads);
      session.report().getRun().put("seed", seed);
      session.report().getRun().put("duration", Format.seconds((System.nanoTime() - start) * 1e-9));
      return session;
    }
  }
}
