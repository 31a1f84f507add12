package org.lossmith.bench.report;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.lossmith.Lossmith;
import org.lossmith.bench.provider.TorchProvider;
import org.openjdk.jmh.util.Version;

/** What a reader must know to compare numbers; nothing that tells whose machine it is. */
final class Machine {
  private Machine() {}

  static void describe(Map<String, Object> machine, Map<String, Object> versions) {
    machine.put("cpu", field("/proc/cpuinfo", "model name"));
    machine.put("cores", Runtime.getRuntime().availableProcessors());
    machine.put("memory", field("/proc/meminfo", "MemTotal"));
    machine.put("os", System.getProperty("os.name") + " " + System.getProperty("os.arch"));
    machine.put("hypervisor", cpuFlags().contains(" hypervisor"));
    versions.put("lossmith", Lossmith.version());
    JsonNode library = library();
    versions.put("instructionSet", library.findPath("isa").asText("unknown"));
    for (JsonNode found : library.path("libraries")) {
      versions.put(found.path("name").asText(), found.path("version").asText("absent"));
    }
    versions.put("pytorch", TorchProvider.version());
    versions.put("jdk", Runtime.version().toString());
    versions.put("jmh", Version.getPlainVersion());
  }

  private static String cpuFlags() {
    return field("/proc/cpuinfo", "flags");
  }

  private static String field(String file, String key) {
    try {
      for (String line : Files.readAllLines(Path.of(file))) {
        if (line.startsWith(key)) {
          return line.substring(line.indexOf(':') + 1).strip();
        }
      }
      return "unknown";
    } catch (IOException e) {
      throw new UncheckedIOException(file + " cannot be read", e);
    }
  }

  /** What the library says of itself; only names and versions are taken from it, no paths. */
  private static JsonNode library() {
    try {
      return new ObjectMapper().readTree(Lossmith.describe());
    } catch (IOException e) {
      throw new UncheckedIOException("Lossmith.describe() is not JSON", e);
    }
  }
}
