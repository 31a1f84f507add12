package org.lossmith.cli.quantize;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.lossmith.cli.onnx.OnnxModels.weights;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.lossmith.Context;
import org.lossmith.DType;
import org.lossmith.Groups;
import org.lossmith.PowerMatrix;
import org.lossmith.PowerParameters;
import org.lossmith.PowerQuantizer;
import org.lossmith.PowerSearch;
import org.lossmith.Tensor;
import org.lossmith.cli.Cli;
import org.lossmith.cli.LeakFreeTest;
import org.lossmith.cli.safetensors.QuantizedSafetensors;
import org.lossmith.cli.safetensors.SafetensorsBytes;
import org.lossmith.cli.safetensors.SafetensorsEntry;
import org.lossmith.cli.safetensors.SafetensorsFile;

/** Files of safetensors to codes and back. */
class SafetensorsQuantizeTest extends LeakFreeTest {
  @TempDir Path folder;

  @ParameterizedTest
  @CsvSource({"2,", "3,--group=7", "4,", "4,--per-tensor", "6,", "8,--group=16"})
  void valuesAreThoseOfTheLibrary(int bits, String sharing) throws IOException {
    float[] w = weights(6 * 5 * 9, 1);
    Path in =
        new SafetensorsBytes()
            .member("\"__metadata__\":{\"format\":\"pt\"}")
            .floats("w", "[6,5,3,3]", w)
            .write(folder.resolve("in.safetensors"));
    Path out = folder.resolve("out.safetensors");
    List<Object> words = new ArrayList<>(List.of("--bits", bits, "--exponent", "search-channel"));
    if (sharing != null) {
      words.addAll(List.of(sharing.split("=")));
    }
    quantize(in, out, words.toArray());
    Groups groups =
        sharing == null
            ? Groups.perChannel(0)
            : sharing.equals("--per-tensor")
                ? Groups.perTensor()
                : Groups.ofColumns(Long.parseLong(sharing.split("=")[1]));
    PowerQuantizer quantizer = PowerQuantizer.of(bits).withGroups(groups);
    try (Context context = Context.cpu();
        Tensor matrix = Tensor.of(w, 6, 45);
        PowerParameters best = PowerSearch.of(quantizer).search(context, matrix);
        Tensor wanted = quantizer.fakeQuantize(context, matrix, best);
        QuantizedSafetensors file = QuantizedSafetensors.open(out);
        Tensor values = file.values(context, "w");
        PowerMatrix packed = file.matrix("w");
        Tensor decoded = packed.dequantize(context)) {
      assertEquals(Set.of("w"), file.names());
      assertArrayEquals(new long[] {6, 5, 3, 3}, values.shape());
      assertArrayEquals(wanted.toFloatArray(), values.toFloatArray());
      assertArrayEquals(wanted.toFloatArray(), decoded.toFloatArray());
    }
  }

  @Test
  void narrowTypesAndAsymmetricGridsComeBack() throws IOException {
    Path in =
        new SafetensorsBytes()
            .halves("h", "[4,8]", weights(32, 2))
            .tensor("half", "F16", "[1,2]", new byte[] {0, 0x3c, 0, (byte) 0xc0})
            .write(folder.resolve("in.safetensors"));
    Path out = folder.resolve("out.safetensors");
    quantize(in, out, "--method", "uniform-asymmetric", "--bits", 8);
    try (Context context = Context.cpu();
        SafetensorsFile before = SafetensorsFile.open(in);
        QuantizedSafetensors file = QuantizedSafetensors.open(out);
        Tensor wanted = before.tensor(before.entries().get(0));
        Tensor h = file.values(context, "h");
        Tensor half = file.values(context, "half")) {
      assertEquals(DType.BF16, h.dtype());
      assertArrayEquals(wanted.toFloatArray(), h.toFloatArray(), 5e-3f);
      assertEquals(DType.F16, half.dtype());
      assertArrayEquals(new float[] {1, -2}, half.toFloatArray());
    }
  }

  @Test
  void theRestIsCopiedByteForByte() throws IOException {
    Path in =
        new SafetensorsBytes()
            .member("\"__metadata__\":{\"format\":\"pt\"}")
            .floats("norm", "[3]", 1, Float.NaN, 3)
            .tensor("ids", "I64", "[1,1]", new byte[] {1, 2, 3, 4, 5, 6, 7, 8})
            .tensor("small", "F8_E4M3", "[2,2]", new byte[] {1, 2, 3, 4})
            .floats("empty", "[0,7]")
            .floats("head", "[2,2]", 1, 2, 3, 4)
            .floats("w", "[2,2]", 1, 2, 3, 4)
            .write(folder.resolve("in.safetensors"));
    Path out = folder.resolve("out.safetensors");
    JsonNode report = quantize(in, out, "--skip", "he?d", "--skip", "nothing*");
    assertEquals(1, report.path("layers").size());
    assertEquals("head", report.path("skipped").get(0).asText());
    try (SafetensorsFile before = SafetensorsFile.open(in);
        SafetensorsFile after = SafetensorsFile.open(out)) {
      assertEquals("pt", after.metadata().get("format"));
      for (SafetensorsEntry entry : before.entries()) {
        if (!entry.name().equals("w")) {
          SafetensorsEntry copy =
              after.entries().stream()
                  .filter(e -> e.name().equals(entry.name()))
                  .findFirst()
                  .orElseThrow();
          assertEquals(entry.dtype(), copy.dtype());
          assertArrayEquals(entry.shape(), copy.shape());
          assertArrayEquals(bytes(before, entry), bytes(after, copy), entry.name());
        }
      }
      assertEquals(before.entries().size() + 2, after.entries().size());
    }
  }

  private static byte[] bytes(SafetensorsFile file, SafetensorsEntry entry) {
    ByteBuffer bytes = ByteBuffer.allocate((int) entry.bytes());
    file.read(entry, 0, bytes);
    return bytes.array();
  }

  @Test
  void shardsBecomeOneFileWithOneExponent() throws IOException {
    new SafetensorsBytes().floats("a", "[8,8]", weights(64, 1)).write(folder.resolve("1.st"));
    new SafetensorsBytes().floats("b", "[8,8]", weights(64, 2)).write(folder.resolve("2.st"));
    Path index =
        Files.writeString(
            folder.resolve("m.safetensors.index.json"),
            "{\"weight_map\":{\"a\":\"1.st\",\"b\":\"2.st\"}}");
    Path out = folder.resolve("out.safetensors");
    JsonNode layers = quantize(index, out, "--exponent", "search-network").path("layers");
    assertEquals(2, layers.size());
    double exponent = layers.get(0).path("exponent").asDouble();
    assertEquals(exponent, layers.get(1).path("exponent").asDouble());
    assertTrue(exponent > 0.2 && exponent < 0.9, "exponent " + exponent);
    // The bytes do not depend on anything but the input.
    Path again = folder.resolve("again.safetensors");
    quantize(index, again, "--exponent", "search-network", "--threads", 1);
    assertEquals(-1, Files.mismatch(out, again));
  }

  @Test
  void badFilesAreRefusedAndNothingIsWritten() throws IOException {
    float[] values = weights(12, 1);
    values[7] = Float.NaN;
    Path in =
        new SafetensorsBytes()
            .floats("a", "[1]", 1)
            .floats("w", "[3,4]", values)
            .write(folder.resolve("in.safetensors"));
    long offset = Files.size(in) - 4 * (12 - 7);
    assertRefused(
        1, in, "tensor 'w': expected finite weights, got NaN at [1, 3], offset " + offset);
    new SafetensorsBytes().floats("a", "[1]", 1).write(in);
    assertRefused(1, in, "expected weights to quantize, got none");
    new SafetensorsBytes().floats("w", "[1,1]", 1).floats("w.scale", "[1]", 1).write(in);
    assertRefused(1, in, "tensor 'w.scale': expected no such name");
    Files.write(in, java.util.Arrays.copyOf(Files.readAllBytes(in), 70));
    assertRefused(1, in, "expected");
    Path text = Files.writeString(folder.resolve("model.bin"), "?");
    assertRefused(1, text, "expected a file named *.onnx, *.safetensors");
    assertRefused(1, folder.resolve("none.safetensors"), "no such file or directory");
    Path out = folder.resolve("same.safetensors");
    new SafetensorsBytes().floats("w", "[1,2]", 1, 2).write(out);
    Cli run =
        Cli.run(
            "quantize",
            out,
            "--out",
            folder.resolve("../" + folder.getFileName() + "/same.safetensors"),
            "--quiet");
    assertEquals(2, run.code());
    assertTrue(run.err().contains("expected another file than those of the model"), run.err());
  }

  private void assertRefused(int code, Path in, String message) throws IOException {
    Path out = Files.writeString(folder.resolve("out.safetensors"), "before");
    Cli run = Cli.run("quantize", in, "--out", out, "--quiet");
    assertEquals(code, run.code(), run.err());
    assertEquals(1, run.err().lines().count(), run.err());
    assertTrue(run.err().contains(message), run.err());
    assertEquals("before", Files.readString(out));
    try (Stream<Path> files = Files.list(folder)) {
      assertTrue(files.noneMatch(f -> f.toString().endsWith(".part")), "remains");
    }
  }

  private JsonNode quantize(Path in, Path out, Object... more) {
    List<Object> words = new ArrayList<>(List.of("quantize", in, "--out", out));
    words.addAll(List.of(more));
    words.addAll(List.of("--json", "--quiet"));
    Cli run = Cli.run(words.toArray());
    assertEquals(0, run.code(), run.err());
    return run.json();
  }
}
