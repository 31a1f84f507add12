package org.lossmith.bench.nativesuite;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.File;
import java.io.IOException;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.lossmith.bench.Main;
import org.lossmith.bench.Row;
import org.lossmith.bench.Session;

/** The Google Benchmark suite on the C ABI, without any JVM in its process. */
public final class NativeRow implements Row {
  private static final String NAME = "native";
  private static final List<String> COUNTERS = List.of("GFLOP/s", "floor", "workspace");

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
    if (session.quick()) {
      command.add("--benchmark_filter=n:(64|1024)/");
      command.add("--benchmark_min_time=0.1");
    }
    ProcessBuilder builder = new ProcessBuilder(command);
    builder.environment().put("OMP_NUM_THREADS", Integer.toString(session.threads()));
    builder.redirectError(ProcessBuilder.Redirect.DISCARD);
    session.report().getDetails().put(NAME, rows(output(builder)));
  }

  /** The program that the build puts beside the jar. */
  private static Path program() {
    try {
      Path jar = Path.of(Main.class.getProtectionDomain().getCodeSource().getLocation().toURI());
      Path program = jar.resolveSibling("native" + File.separator + "lossmith_benchmarks");
      if (!Files.isExecutable(program)) {
        throw new IllegalStateException(
            "row native: expected the program native/lossmith_benchmarks beside "
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
        throw new IllegalStateException("row native: expected exit code 0, got " + code);
      }
      return output;
    } catch (IOException e) {
      throw new IllegalStateException("row native: program cannot be started", e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException("benchmark interrupted", e);
    }
  }

  /** Name, time and counters of each benchmark; nothing of the machine's names and paths. */
  private static List<Map<String, Object>> rows(String json) {
    try {
      List<Map<String, Object>> rows = new ArrayList<>();
      for (JsonNode benchmark : new ObjectMapper().readTree(json).path("benchmarks")) {
        Map<String, Object> row = new LinkedHashMap<>();
        row.put("name", benchmark.path("name").asText());
        row.put("time", benchmark.path("real_time").asDouble());
        row.put("unit", benchmark.path("time_unit").asText());
        for (String counter : COUNTERS) {
          if (benchmark.has(counter)) {
            row.put(counter, benchmark.path(counter).asDouble());
          }
        }
        if (benchmark.has("bytes_per_second")) {
          row.put("bytesPerSecond", benchmark.path("bytes_per_second").asDouble());
        }
        rows.add(row);
      }
      return rows;
    } catch (IOException e) {
      throw new IllegalStateException("row native: output is not JSON", e);
    }
  }
}
