package org.lossmith.bench.micro;

import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.lossmith.bench.Row;
import org.lossmith.bench.Session;
import org.lossmith.bench.measure.Samples;
import org.lossmith.bench.report.Measurement;
import org.lossmith.bench.report.Verdict;
import org.openjdk.jmh.profile.GCProfiler;
import org.openjdk.jmh.results.BenchmarkResult;
import org.openjdk.jmh.results.IterationResult;
import org.openjdk.jmh.results.RunResult;
import org.openjdk.jmh.runner.Runner;
import org.openjdk.jmh.runner.RunnerException;
import org.openjdk.jmh.runner.options.ChainedOptionsBuilder;
import org.openjdk.jmh.runner.options.OptionsBuilder;
import org.openjdk.jmh.runner.options.TimeValue;
import org.openjdk.jmh.runner.options.VerboseMode;

/** JMH on calls so small that the way through Java would show. */
public final class MicroRow implements Row {
  private static final String NAME = "micro";
  private static final double MAX_OVERHEAD_MICROSECONDS = 20;

  /** One object would be at least 16 bytes. */
  private static final double MAX_BYTES_PER_CALL = 0.5;

  @Override
  public String name() {
    return NAME;
  }

  @Override
  public String title() {
    return "JMH: what the Java API adds to a warm [64,64] call, in time and heap";
  }

  @Override
  public int seconds(boolean quick) {
    return quick ? 8 : 55;
  }

  @Override
  public void run(Session session) {
    boolean quick = session.quick();
    session.progress().expect(1);
    session.progress().step(InfoNceCall.class.getSimpleName());
    ChainedOptionsBuilder options =
        new OptionsBuilder()
            .include(InfoNceCall.class.getName())
            .forks(quick ? 1 : 3)
            .warmupIterations(quick ? 2 : 3)
            .warmupTime(TimeValue.seconds(1))
            .measurementIterations(quick ? 2 : 5)
            .measurementTime(TimeValue.seconds(1))
            .addProfiler(GCProfiler.class)
            .shouldFailOnError(true)
            .verbosity(VerboseMode.SILENT);
    if (Runtime.version().feature() >= 22) {
      options.jvmArgsAppend("--enable-native-access=ALL-UNNAMED");
    }
    Collection<RunResult> results;
    try {
      results = new Runner(options.build()).run();
    } catch (RunnerException e) {
      throw new IllegalStateException("JMH failed: " + e.getMessage(), e);
    }
    Map<String, Samples> times = new LinkedHashMap<>();
    Map<String, Double> allocated = new LinkedHashMap<>();
    for (RunResult result : results) {
      String name = result.getPrimaryResult().getLabel();
      times.put(name, seconds(result));
      allocated.put(name, result.getSecondaryResults().get("gc.alloc.rate.norm").getScore());
      session.add(line(name, times.get(name)));
    }
    session.report().getDetails().put(NAME, Map.of("allocatedBytesPerCall", allocated));
    double overhead = (times.get("api").median() - times.get("bare").median()) * 1e6;
    session.add(
        Verdict.atMost(
            NAME, "overhead of the Java API, us a call", overhead, MAX_OVERHEAD_MICROSECONDS));
    // JMH divides by the number of calls what the whole JVM allocated, its own bookkeeping
    // included;
    // that part is the same for the bare call, which cannot allocate.
    double bytes = Math.max(0, allocated.get("api") - allocated.get("bare"));
    session.add(
        Verdict.atMost(NAME, "Java heap over the bare call, bytes", bytes, MAX_BYTES_PER_CALL));
  }

  private static Samples seconds(RunResult result) {
    List<Double> microseconds = new ArrayList<>();
    for (BenchmarkResult fork : result.getBenchmarkResults()) {
      for (IterationResult iteration : fork.getIterationResults()) {
        microseconds.add(iteration.getPrimaryResult().getScore());
      }
    }
    return new Samples(microseconds.stream().mapToDouble(us -> us * 1e-6).toArray());
  }

  private static Measurement line(String name, Samples time) {
    return new Measurement(
        NAME,
        name,
        "lossmith",
        "infonce",
        "f32",
        64L,
        64L,
        null,
        null,
        time,
        null,
        null,
        null,
        null);
  }
}
