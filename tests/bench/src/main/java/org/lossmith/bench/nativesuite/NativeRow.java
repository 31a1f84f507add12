package org.lossmith.bench.nativesuite;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.File;
import java.io.IOException;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.lossmith.bench.Main;
import org.lossmith.bench.Row;
import org.lossmith.bench.Session;
import org.lossmith.bench.measure.Samples;
import org.lossmith.bench.report.Measurement;

/** The Google Benchmark suite on the C ABI, without any JVM in its process. */
public final class NativeRow implements Row {
  private static final String NAME = "native";

  private final String families;

  /** A row with the benchmarks of these families, separated by vertical bars. */
  public NativeRow(String families) {
    this.families = families;
  }

  @Override
  public String name() {
    return NAME;
  }

  @Override
  public String title() {
    return "Google Benchmark on the C ABI";
  }

  @Override
  public int seconds(boolean quick) {
    return quick ? 5 : 60;
  }

  @Override
  public void run(Session session) {
    Path program = program();
    session.progress().expect(1);
    session.progress().step(program.getFileName().toString());
    List<String> command = new ArrayList<>(List.of(program.toString()));
    command.add("--benchmark_format=json");
    String filter = "--benchmark_filter=^(" + families + ")/";
    command.add(session.quick() ? filter + ".*n:(64|1024)/" : filter);
    if (session.quick()) {
      command.add("--benchmark_min_time=0.1");
    }
    ProcessBuilder builder = new ProcessBuilder(command);
    builder.environment().put("OMP_NUM_THREADS", Integer.toString(session.threads()));
    builder.redirectError(ProcessBuilder.Redirect.DISCARD);
    lines(output(builder)).forEach(session::add);
  }

  /** The program that the build puts beside the jar. */
  private static Path program() {
    try {
      Path jar = Path.of(Main.class.getProtectionDomain().getCodeSource().getLocation().toURI());
      Path program = jar.resolveSibling("native" + File.separator + "lossmith_benchmarks");
      if (!Files.isExecutable(program)) {
        throw new IllegalStateException(
            "expected the program native/lossmith_benchmarks beside "
                + jar.getFileName()
                + ", found nothing; build it with mvn -Pbench package");
      }
      return program;
    } catch (URISyntaxException e) {
      throw new IllegalStateException("location of the program is no path", e);
    }
  }

  private static String output(ProcessBuilder builder) {
    try {
      Process process = builder.start();
      String output = new String(process.getInputStream().readAllBytes());
      int code = process.waitFor();
      if (code != 0) {
        throw new IllegalStateException("expected exit code 0, got " + code);
      }
      return output;
    } catch (IOException e) {
      throw new IllegalStateException("program cannot be started", e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException("benchmark interrupted", e);
    }
  }

  /** Name, time and counters of each benchmark; nothing of the machine's names and paths. */
  private static List<Measurement> lines(String json) {
    try {
      List<Measurement> lines = new ArrayList<>();
      for (JsonNode benchmark : new ObjectMapper().readTree(json).path("benchmarks")) {
        lines.add(line(benchmark));
      }
      return lines;
    } catch (IOException e) {
      throw new IllegalStateException("output is not JSON", e);
    }
  }

  /** Names are FAMILY/WHAT_TYPE/n:N/d:D/..., as the sources of the program register them. */
  private static Measurement line(JsonNode benchmark) {
    String name = benchmark.path("name").asText();
    Long n = null;
    Long d = null;
    for (String part : name.split("/")) {
      if (part.startsWith("n:")) {
        n = Long.valueOf(part.substring(2));
      } else if (part.startsWith("d:")) {
        d = Long.valueOf(part.substring(2));
      }
    }
    double seconds =
        benchmark.path("real_time").asDouble()
            * switch (benchmark.path("time_unit").asText()) {
              case "ns" -> 1e-9;
              case "us" -> 1e-6;
              case "ms" -> 1e-3;
              default -> 1;
            };
    return new Measurement(
        NAME,
        name,
        name.startsWith("products/") || name.startsWith("copy/") ? "floor" : "lossmith",
        null,
        null,
        n,
        d,
        null,
        null,
        new Samples(seconds),
        counter(benchmark, "GFLOP/s", 1e9),
        counter(benchmark, "floor", 1),
        benchmark.has("workspace") ? benchmark.path("workspace").asLong() : null,
        null);
  }

  private static Double counter(JsonNode benchmark, String name, double unit) {
    return benchmark.has(name) ? benchmark.path(name).asDouble() * unit : null;
  }
}
