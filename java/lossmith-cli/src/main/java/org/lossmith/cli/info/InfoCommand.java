package org.lossmith.cli.info;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import org.lossmith.Context;
import org.lossmith.DType;
import org.lossmith.Device;
import org.lossmith.DeviceInfo;
import org.lossmith.Lossmith;
import org.lossmith.cli.ByteSize;
import org.lossmith.cli.DeviceName;
import org.lossmith.cli.Json;
import org.lossmith.cli.Tables;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code info}: what the library found on this machine, and how fast the machine is. */
@Command(
    name = "info",
    description = {
      "Describe library and machine: version, backends, devices, and the measured floors.",
      "",
      "The floors are what the losses are judged by: the rate of a library matrix product and the",
      "bandwidth of a copy (reads and writes counted). Measuring takes a few seconds. Without a"
          + " GPU",
      "that can be used, the row of CUDA says why there is none."
    },
    mixinStandardHelpOptions = true)
public final class InfoCommand implements Callable<Integer> {
  private static final long SIDE = 2048;
  private static final long DEPTH = 512;
  private static final long COPY_BYTES = 256L << 20;
  private static final int REPEATS = 7;
  private static final double GIGA = 1e9;
  private static final String F32 = "gemm_f32_flops";
  private static final String BF16 = "gemm_bf16_flops";
  private static final String COPY = "copy_bytes_per_second";
  private static final String NAME = "name";
  private static final String DEVICES = "devices";

  @Spec private CommandSpec spec;

  @Option(
      names = "--device",
      converter = DeviceName.class,
      defaultValue = "cpu",
      paramLabel = "DEVICE",
      description = "Measure cpu or cuda:NUMBER. Default: cpu.")
  private Device device;

  @Option(
      names = "--threads",
      defaultValue = "0",
      paramLabel = "COUNT",
      description = "CPU threads. Default: all cores.")
  private int threads;

  @Option(names = "--no-measure", description = "Describe only; answers at once.")
  private boolean describeOnly;

  @Option(names = "--json", description = "Print one JSON object.")
  private boolean json;

  @Override
  public Integer call() {
    JsonNode description = Json.read(Lossmith.describe());
    Map<String, Double> rates = describeOnly ? Map.of() : measure();
    spec.commandLine().getOut().println(json ? json(description, rates) : text(description, rates));
    return 0;
  }

  private Map<String, Double> measure() {
    Map<String, Double> rates = new LinkedHashMap<>();
    try (Context context = Context.builder().device(device).threads(threads).build()) {
      rates.put(F32, context.measureGemm(DType.F32, SIDE, SIDE, DEPTH, REPEATS));
      try {
        rates.put(BF16, context.measureGemm(DType.BF16, SIDE, SIDE, DEPTH, REPEATS));
      } catch (UnsupportedOperationException e) {
        rates.put(BF16, null); // Older CPUs have no such products; the losses widen there.
      }
      rates.put(COPY, context.measureCopy(COPY_BYTES, REPEATS));
    }
    return rates;
  }

  private String json(JsonNode description, Map<String, Double> rates) {
    Map<String, Object> object = new LinkedHashMap<>();
    description.properties().forEach(p -> object.put(p.getKey(), p.getValue()));
    if (!rates.isEmpty()) {
      Map<String, Object> measured = new LinkedHashMap<>();
      measured.put("device", device.toString());
      measured.putAll(rates);
      object.put("measured", measured);
    }
    return Json.write(object);
  }

  private String text(JsonNode description, Map<String, Double> rates) {
    List<List<String>> rows = new ArrayList<>();
    addRows("", description, rows);
    addDevices(rows);
    if (!rates.isEmpty()) {
      rows.add(List.of("GEMM f32 on " + device, giga(rates.get(F32), "GFLOP/s")));
      rows.add(List.of("GEMM bf16 on " + device, giga(rates.get(BF16), "GFLOP/s")));
      rows.add(List.of("copy on " + device, giga(rates.get(COPY), "GB/s")));
    }
    return Tables.format(List.of("what", "found"), rows);
  }

  /** One row for each value of the description, named by its path. */
  private static void addRows(String path, JsonNode node, List<List<String>> rows) {
    if (node.isObject()) {
      node.properties().stream()
          .filter(p -> !p.getKey().equals(NAME) && !p.getKey().equals(DEVICES))
          .forEach(p -> addRows((path + " " + p.getKey()).strip(), p.getValue(), rows));
    } else if (node.isArray()) {
      for (int i = 0; i < node.size(); i++) {
        addRows(path + " " + node.get(i).path(NAME).asText(String.valueOf(i)), node.get(i), rows);
      }
    } else {
      rows.add(List.of(path, node.asText()));
    }
  }

  private static void addDevices(List<List<String>> rows) {
    List<Device> gpus = Device.cudaDevices();
    if (gpus.isEmpty()) {
      rows.add(List.of("CUDA devices", "none"));
    }
    for (Device gpu : gpus) {
      DeviceInfo info = gpu.info();
      String facts =
          String.format(
              Locale.ROOT,
              "%s, compute capability %d.%d, %s, %d multiprocessors",
              info.name(),
              info.capabilityMajor(),
              info.capabilityMinor(),
              ByteSize.format(info.memoryBytes()),
              info.multiprocessors());
      rows.add(List.of(gpu.toString(), facts));
    }
  }

  private static String giga(Double rate, String unit) {
    return rate == null ? "not offered" : String.format(Locale.ROOT, "%.1f %s", rate / GIGA, unit);
  }
}
