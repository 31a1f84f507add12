package org.lossmith.cli.eval;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.lossmith.Tensor;
import org.lossmith.cli.Cli;
import org.lossmith.cli.LeakFreeTest;
import org.lossmith.cli.npy.NpyBytes;
import org.lossmith.cli.npy.NpyFiles;

/** Parity with values that a float64 script computed. */
class EvalTest extends LeakFreeTest {
  private static final double[][] P = {{1, 0}, {0.6, 0.8}, {-0.8, 0.6}};
  private static final double[][] Q = {{0.8, 0.6}, {0, 1}, {-1, 0}};
  private static final double[][] IDENTITY = {{1, 0, 0}, {0, 1, 0}, {0, 0, 1}};
  private static final double LOSS = 1.6409053387365842;
  private static final double[] GRAD_P = {
    -0.162648089, -0.2239434705, 0.5014779677, -0.0191556145, 0.123104746, 0.2999612415
  };
  private static final double[] GRAD_Q = {
    0.0743173618, 0.429777462, -0.5199962494, -0.0932142239, 0.0196989946, -0.1312232521
  };
  private static final double PRINTED = 1e-9;

  @TempDir Path folder;
  private Path x;
  private Path y;

  @BeforeEach
  void writeInputs() throws IOException {
    x = NpyBytes.matrix(folder.resolve("x.npy"), P);
    y = NpyBytes.matrix(folder.resolve("y.npy"), Q);
  }

  @Test
  void cwclByReferenceHasTheGoldenValues() {
    Path gradX = folder.resolve("gx.npy");
    Path gradY = folder.resolve("gy.npy");
    Path gradLogScale = folder.resolve("gt.npy");
    Path gradTemperature = folder.resolve("gtau.npy");
    Path rowLoss = folder.resolve("rows.npy");
    JsonNode json =
        cwcl(
            "--reference",
            x,
            "--grad-x",
            gradX,
            "--grad-y",
            gradY,
            "--grad-log-scale",
            gradLogScale,
            "--grad-temperature",
            gradTemperature,
            "--row-loss",
            rowLoss);
    assertEquals(LOSS, json.get("loss").asDouble(), 1e-14);
    assertEquals("f64", json.get("dtype").asText());
    assertEquals("cpu", json.get("device").asText());
    assertArrayEquals(GRAD_P, values(gradX), PRINTED);
    assertArrayEquals(GRAD_Q, values(gradY), PRINTED);
    assertArrayEquals(new double[] {0.20440714817}, values(gradLogScale), PRINTED);
    assertArrayEquals(new double[] {-0.40881429633}, values(gradTemperature), PRINTED);
    double sum = 0;
    for (double row : values(rowLoss)) {
      sum += row;
    }
    assertEquals(LOSS, sum / P.length, 1e-14);
  }

  @Test
  void cwclByWeightsHasTheGoldenValues() throws IOException {
    double[][] weights = new double[P.length][P.length];
    for (int i = 0; i < P.length; i++) {
      for (int j = 0; j < P.length; j++) {
        weights[i][j] = (1 + P[i][0] * P[j][0] + P[i][1] * P[j][1]) / 2;
      }
    }
    Path file = NpyBytes.matrix(folder.resolve("w.npy"), weights);
    assertEquals(LOSS, cwcl("--weights", file).get("loss").asDouble(), 1e-14);
  }

  @Test
  void cwclWithIdentityWeightsIsTwiceSymmetricInfoNce() throws IOException {
    Path file = NpyBytes.matrix(folder.resolve("w.npy"), IDENTITY);
    double infonce =
        json("eval", "infonce", "--x", x, "--y", y, "--temperature", "0.5", "--symmetric")
            .get("loss")
            .asDouble();
    assertEquals(2 * infonce, cwcl("--weights", file).get("loss").asDouble(), 1e-14);
  }

  @ParameterizedTest
  @CsvSource({"f64,1e-14", "f32,1e-6", "f16,5e-3", "bf16,2e-2"})
  void computesInTheTypeAskedFor(String dtype, double tolerance) {
    Path gradX = folder.resolve("gx.npy");
    JsonNode json = cwcl("--reference", x, "--dtype", dtype, "--grad-x", gradX);
    assertEquals(LOSS, json.get("loss").asDouble(), tolerance);
    assertEquals(dtype, json.get("dtype").asText());
    assertEquals(dtype, json.get("inputs").get("y").get("dtype").asText());
    assertArrayEquals(GRAD_P, values(gradX), tolerance + PRINTED);
  }

  @Test
  void plansAndBudgetDoNotChangeTheLoss() {
    double loss = cwcl("--reference", x).get("loss").asDouble();
    for (String plan : List.of("store", "recompute", "auto")) {
      JsonNode json =
          cwcl("--reference", x, "--plan", plan, "--budget", "1M", "--repeat", 3, "--threads", 1);
      assertEquals(loss, json.get("loss").asDouble());
      assertTrue(json.get("workspace_bytes").asLong() <= 1 << 20);
      assertEquals(1, json.get("threads").asInt());
    }
  }

  @Test
  void reductionNonePrintsTheRows() {
    JsonNode json =
        json("eval", "cwcl", "--x", x, "--y", y, "--reference", x, "--reduction", "none");
    assertTrue(json.get("loss").isNull());
    assertEquals(P.length, json.get("row_loss").size());
    Cli text = Cli.run("eval", "infonce", "--x", x, "--y", y, "--reduction", "none");
    assertEquals(3, text.out().lines().filter(l -> l.startsWith("row_loss[")).count());
    assertFalse(text.out().contains("loss  "));
  }

  @Test
  void theTextStartsWithTheLossInFullPrecision() {
    Cli text =
        Cli.run("eval", "cwcl", "--x", x, "--y", y, "--reference", x, "--temperature", "0.5");
    String first = text.out().lines().findFirst().orElseThrow();
    assertTrue(first.startsWith("loss "), first);
    double json = cwcl("--reference", x).get("loss").asDouble();
    assertEquals(json, Double.parseDouble(first.substring(5).strip()));
  }

  @Test
  void nanIsAString() throws IOException {
    Path nan = NpyBytes.matrix(folder.resolve("n.npy"), new double[][] {{Double.NaN, 1}, {1, 0}});
    JsonNode loss = json("eval", "infonce", "--x", nan, "--y", nan).get("loss");
    assertTrue(loss.isTextual());
    assertEquals("NaN", loss.asText());
  }

  @Test
  void logScaleIgnoreAndExtraNegativesAreUnderstood() throws IOException {
    Path vector = folder.resolve("t.npy");
    try (Tensor tensor = Tensor.of(new double[] {Math.log(2)}, 1)) {
      NpyFiles.write(vector, tensor);
    }
    assertEquals(
        cwcl("--reference", x).get("loss").asDouble(),
        json("eval", "cwcl", "--x", x, "--y", y, "--reference", x, "--log-scale", vector)
            .get("loss")
            .asDouble(),
        1e-15);
    // One pair is left: its loss is 0.
    Path bool =
        NpyBytes.write(
            folder.resolve("b.npy"), NpyBytes.dictionary("|b1", false, 3), new byte[] {1, 1, 0});
    Path i4 =
        NpyBytes.write(
            folder.resolve("i.npy"),
            NpyBytes.dictionary("<i4", false, 3),
            new byte[] {0, 1, 0, 0, 7, 0, 0, 0, 0, 0, 0, 0});
    for (Path mask : List.of(bool, i4)) {
      JsonNode json = json("eval", "infonce", "--x", x, "--y", y, "--ignore", mask);
      assertEquals(0, json.get("loss").asDouble(), 1e-15);
    }
    Path one = NpyBytes.matrix(folder.resolve("one.npy"), new double[][] {{1, 0}});
    assertTrue(json("eval", "infonce", "--x", one, "--y", y).get("loss").asDouble() > 0);
  }

  @Test
  void listNamesEveryOperation() {
    JsonNode list = Cli.run("eval", "--list", "--json").json();
    assertEquals(
        List.of(
            "infonce",
            "cwcl",
            "decoupled-softmax",
            "soft-topk",
            "multilabel-infonce",
            "supcon",
            "bce",
            "softmax-ce",
            "normalized-softmax",
            "top-k",
            "update",
            "power-fake-quantize",
            "power-quantize",
            "power-dequantize",
            "power-search"),
        list.findValuesAsText("operation"));
    String text = Cli.run("eval", "--list").out();
    assertTrue(text.contains("cwcl") && text.contains("--x --y [--reference]"), text);
  }

  private JsonNode cwcl(Object... more) {
    Object[] all = new Object[more.length + 8];
    Object[] common = {"eval", "cwcl", "--x", x, "--y", y, "--temperature", "0.5"};
    System.arraycopy(common, 0, all, 0, common.length);
    System.arraycopy(more, 0, all, common.length, more.length);
    return json(all);
  }

  private static JsonNode json(Object... arguments) {
    Object[] all = Arrays.copyOf(arguments, arguments.length + 1);
    all[arguments.length] = "--json";
    Cli run = Cli.run(all);
    assertEquals(0, run.code(), run.err());
    assertEquals("", run.err());
    return run.json();
  }

  private static double[] values(Path file) {
    try (Tensor tensor = NpyFiles.read(file)) {
      return tensor.toDoubleArray();
    }
  }
}
