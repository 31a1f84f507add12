package org.lossmith.cli.info;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.lossmith.Device;
import org.lossmith.Lossmith;
import org.lossmith.cli.Cli;
import org.lossmith.cli.LeakFreeTest;

class InfoTest extends LeakFreeTest {
  @Test
  void describesAndMeasures() {
    Cli run = Cli.run("info", "--json");
    assertEquals(0, run.code(), run.err());
    JsonNode info = run.json();
    assertEquals(Lossmith.version(), info.get("version").asText());
    for (String rate : new String[] {"gemm_f32_flops", "copy_bytes_per_second"}) {
      assertTrue(info.get("measured").get(rate).asDouble() > 1e8, rate);
    }
    JsonNode narrow = info.get("measured").get("gemm_bf16_flops");
    boolean offered = info.get("backends").get(0).get("bf16_products").asBoolean();
    assertTrue(narrow.asDouble() > 1e8 || (narrow.isNull() && !offered), narrow.toString());
  }

  @Test
  void describesWithoutMeasuring() {
    Cli run = Cli.run("info", "--no-measure");
    assertEquals(0, run.code(), run.err());
    assertTrue(run.out().contains(Lossmith.version()));
    assertFalse(run.out().contains("GEMM"));
    assertFalse(Cli.run("info", "--no-measure", "--json").json().has("measured"));
  }

  @Test
  void listsTheGpusOrSaysWhyThereAreNone() {
    Cli run = Cli.run("info", "--no-measure");
    List<Device> gpus = Device.cudaDevices();
    for (Device gpu : gpus) {
      assertTrue(run.out().contains(gpu + " "), run.out());
      assertTrue(run.out().contains(gpu.info().name() + ", compute capability "), run.out());
    }
    if (gpus.isEmpty()) {
      assertTrue(run.out().lines().anyMatch(l -> l.matches("CUDA devices +none")), run.out());
      assertTrue(
          run.out().lines().anyMatch(l -> l.matches("backends cuda reason +\\S.*")), run.out());
    }
  }

  @Test
  void measuringADeviceThatIsNotThereSaysWhy() {
    Cli run = Cli.run("info", "--device", "cuda:99");
    assertEquals(1, run.code());
    assertTrue(run.err().startsWith("lossmith info: device: expected "), run.err());
    assertTrue(run.err().contains("cuda:99"), run.err());
  }
}
