package org.lossmith.cli.eval;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.lossmith.DType;
import org.lossmith.Tensor;
import org.lossmith.cli.Cli;
import org.lossmith.cli.LeakFreeTest;
import org.lossmith.cli.npy.NpyBytes;
import org.lossmith.cli.npy.NpyFiles;

/** Power quantization on files, against numbers of independent origin. */
class PowerEvalTest extends LeakFreeTest {
  private static final double[] VALUES = {
    0.9, -0.2938775510, 0.1653061224, -0.0734693878, 0, -0.6612244898
  };

  @TempDir Path folder;

  @BeforeEach
  void writeInputs() throws IOException {
    NpyBytes.matrix(file("w.npy"), new double[][] {{0.9, -0.31, 0.12, -0.05, 0.004, -0.62}});
    NpyBytes.matrix(file("g.npy"), new double[][] {{1, 1, 1, 1, 1, 1}});
    NpyBytes.matrix(file("wide.npy"), new double[][] {{1, 2}, {3, 4}});
    try (Tensor half = Tensor.of(new float[] {0.5f});
        Tensor bytes = Tensor.of(new byte[6], 1, 6)) {
      NpyFiles.write(file("s.npy"), half);
      NpyFiles.write(file("bytes.npy"), bytes);
    }
  }

  private Path file(String name) {
    return folder.resolve(name);
  }

  @Test
  void valuesCodesAndGradients() {
    JsonNode json =
        json(
            "power-fake-quantize --w w.npy --exponent 0.5 --bits 4 --exact-gradient"
                + " --upstream g.npy --output o.npy --codes q.npy --grad-w dw.npy"
                + " --grad-exponent da.npy --grad-scale ds.npy --repeat 2");
    assertArrayEquals(VALUES, values("o.npy"), 1e-10);
    assertArrayEquals(
        new double[] {1, 0.9736488587, 1.1736911947, 1.2121830535, 0, 1.0327105657},
        values("dw.npy"),
        1e-9);
    assertEquals(0.0299748237, values("da.npy")[0], 1e-9);
    assertEquals(-0.0015415554, values("ds.npy")[0], 1e-9);
    try (Tensor codes = NpyFiles.read(file("q.npy"))) {
      assertEquals(DType.I8, codes.dtype());
      assertArrayEquals(new byte[] {7, -4, 3, -2, 0, -6}, codes.toByteArray());
    }
    assertEquals(0.00457884881299458 / 6, json.get("mse").doubleValue(), 1e-12);
    double power = 0.81 + 0.0961 + 0.0144 + 0.0025 + 0.000016 + 0.3844;
    double ratio = 10 * Math.log10(power / 0.00457884881299458);
    assertEquals(ratio, json.get("sqnr_db").doubleValue(), 1e-9);
    assertEquals("[1,6]", json.get("outputs").get("codes").get("shape").toString());
    assertFalse(json.has("loss"));
  }

  @Test
  void scalesOfAFileClip() {
    json("power-fake-quantize --w w.npy --scale s.npy --bits 4 --output o.npy");
    double[] clipped = values("o.npy");
    assertEquals(0.5, clipped[0]);
    assertEquals(-0.5, clipped[5]);
  }

  @Test
  void whatASearchFindsIsAnInput() {
    JsonNode found =
        json(
            "power-search --w w.npy --bits 3 --group 2 --steps 12 --clips 4 --clip-step 0.1"
                + " --output-exponent a.npy --output-scale c.npy --output-error e.npy"
                + " --errors all.npy --grid grid.npy");
    assertEquals(3, values("a.npy").length);
    double[] errors = values("all.npy");
    double[] best = values("e.npy");
    assertEquals(3 * 4 * 12, errors.length);
    for (int i = 0; i < errors.length; i++) {
      assertTrue(best[i / 48] <= errors[i]);
    }
    assertEquals(0.2, values("grid.npy")[1], 1e-12);
    assertEquals(best[0] + best[1] + best[2], found.get("error").doubleValue(), 1e-15);
    JsonNode again =
        json("power-fake-quantize --w w.npy --bits 3 --group 2 --scale c.npy --exponents a.npy");
    assertEquals(found.get("error").doubleValue() / 6, again.get("mse").doubleValue(), 1e-12);
  }

  @Test
  void aSearchOfOneGroupSaysWhatItFound() {
    JsonNode found = json("power-search --w w.npy --lowest 0.3 --highest 0.9 --norm 1");
    assertTrue(found.get("exponent").doubleValue() >= 0.3);
    assertTrue(found.get("exponent").doubleValue() <= 0.9);
    assertEquals(0.9, found.get("scale").doubleValue());
    Cli text = run("power-search --w w.npy");
    assertEquals(0, text.code(), text.err());
    assertTrue(text.out().startsWith("exponent"), text.out());
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "--axis 1", "--unsigned --shifted", "--bits 3 --group 4"})
  void codesAndBack(String words) {
    String shift = words.contains("shifted") ? " --output-shift z.npy" : "";
    json(
        "power-quantize --w w.npy --packed --codes p.npy --output-scale c.npy"
            + shift
            + " "
            + words);
    json("power-quantize --w w.npy --codes q.npy " + words);
    json("power-fake-quantize --w w.npy --output o.npy " + words);
    String back = words.replace("--shifted", "--shift z.npy") + " --scale c.npy --output b.npy";
    json("power-dequantize --codes p.npy --columns 6 " + back);
    assertArrayEquals(values("o.npy"), values("b.npy"));
    JsonNode json = json("power-dequantize --codes q.npy " + back);
    assertArrayEquals(values("o.npy"), values("b.npy"));
    assertEquals(words.contains("unsigned") ? "u8" : "i8", json.get("dtype").textValue());
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          2 | power-fake-quantize | --w: expected a .npy file, got nothing
          2 | power-fake-quantize --w w.npy --bits 9 | --bits: expected 2 to 8, got 9
          2 | power-fake-quantize --w w.npy --axis 2 | --axis: expected
          2 | power-fake-quantize --w w.npy --axis 0 --group 2 | --axis: expected -1
          2 | power-fake-quantize --w w.npy --group -1 | --group: expected
          2 | power-fake-quantize --w w.npy --exponent 99 | --exponent: expected
          2 | power-fake-quantize --w w.npy --exponent 1 --exponents s.npy | --exponent: expected no
          2 | power-fake-quantize --w w.npy --unsigned --shift s.npy | --scale: expected a file
          2 | power-fake-quantize --w w.npy --shifted | --shifted: expected --unsigned
          2 | power-fake-quantize --w w.npy --unsigned --shifted --scale s.npy | --shifted:
          1 | power-fake-quantize --w w.npy --grad-w o.npy | --upstream: expected
          1 | power-fake-quantize --w w.npy --scale wide.npy | wide.npy: expected [1]
          1 | power-fake-quantize --w w.npy --scale s.npy --shift s.npy | s.npy: expected
          1 | power-fake-quantize --w bytes.npy | expected f2, f4 or f8 elements
          2 | power-quantize --w w.npy --output-shift o.npy | --output-shift: expected --shifted
          2 | power-dequantize --codes bytes.npy | --scale: expected a .npy file, got nothing
          1 | power-dequantize --codes w.npy --scale s.npy | expected i1 or u1 elements, got f64
          1 | power-dequantize --codes bytes.npy --scale s.npy | --codes
          1 | power-dequantize --codes bytes.npy --scale s.npy --columns 5 | --codes
          2 | power-search --w w.npy --steps 1 | --steps: expected 2 to 1024, got 1
          2 | power-search --w w.npy --steps 99999999999 | --steps: expected at most 1024
          2 | power-search --w w.npy --lowest 2 | --highest: expected above 2.0
          2 | power-search --w w.npy --norm -1 | --norm: expected
          """)
  void errorsNameTheFlag(int code, String words, String message) {
    Cli run = run(words + (words.startsWith("power-search") ? "" : " --json"));
    assertEquals(code, run.code(), run.out() + run.err());
    assertEquals("", run.out());
    assertTrue(run.err().contains(message), run.err());
    assertFalse(Files.exists(file("o.npy")));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"power-fake-quantize", "power-quantize", "power-dequantize", "power-search"})
  void helpFitsTheTerminal(String name) {
    Cli run = Cli.run("eval", name, "--help");
    assertEquals(0, run.code());
    assertTrue(run.out().startsWith("Usage: lossmith eval " + name), run.out());
    assertTrue(run.out().contains("--exponent") || name.endsWith("search"), run.out());
    assertTrue(run.out().lines().allMatch(l -> l.length() <= 100), run.out());
  }

  private JsonNode json(String words) {
    Cli run = run(words + " --json");
    assertEquals(0, run.code(), run.err());
    assertEquals("", run.err());
    return run.json();
  }

  /** Runs {@code eval}; words that end like a file stand for one of the folder. */
  private Cli run(String words) {
    List<Object> arguments = new ArrayList<>(List.of("eval"));
    for (String word : words.trim().split(" +")) {
      arguments.add(word.endsWith(".npy") ? file(word) : word);
    }
    return Cli.run(arguments.toArray());
  }

  private double[] values(String name) {
    try (Tensor tensor = NpyFiles.read(file(name))) {
      return tensor.toDoubleArray();
    }
  }
}
