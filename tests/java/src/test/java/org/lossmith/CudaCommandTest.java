package org.lossmith;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.lossmith.cli.Main;

/** The command line with {@code --device cuda:0}. */
@CudaDevice.Required
class CudaCommandTest {
  private static final double[] P = {1, 0, 0.6, 0.8, -0.8, 0.6};
  private static final double[] Q = {0.8, 0.6, 0, 1, -1, 0};
  private static final double[] GRAD_Q = {
    0.0743173618, 0.429777462, -0.5199962494, -0.0932142239, 0.0196989946, -0.1312232521
  };

  @TempDir Path folder;

  @BeforeAll
  static void find() {
    CudaDevice.first();
  }

  private static String run(String... arguments) {
    PrintStream before = System.out;
    ByteArrayOutputStream text = new ByteArrayOutputStream();
    try (PrintStream out = new PrintStream(text, true, StandardCharsets.UTF_8)) {
      System.setOut(out);
      assertEquals(0, Main.run(arguments));
    } finally {
      System.setOut(before);
    }
    return text.toString(StandardCharsets.UTF_8);
  }

  private Path matrix(String name, double[] values) throws Exception {
    ByteBuffer elements = ByteBuffer.allocate(48).order(ByteOrder.LITTLE_ENDIAN);
    elements.asDoubleBuffer().put(values);
    return npy(name, "'<f8'", "(3, 2)", elements.array());
  }

  private Path npy(String name, String type, String shape, byte[] elements) throws Exception {
    String header =
        String.format("{'descr': %s, 'fortran_order': False, 'shape': %s, }", type, shape);
    byte[] text = Arrays.copyOf(header.getBytes(StandardCharsets.US_ASCII), 118);
    Arrays.fill(text, header.length(), 117, (byte) ' ');
    text[117] = '\n';
    ByteBuffer file =
        ByteBuffer.allocate(10 + text.length + elements.length).order(ByteOrder.LITTLE_ENDIAN);
    file.put((byte) 0x93).put("NUMPY".getBytes(StandardCharsets.US_ASCII)).put((byte) 1);
    file.put((byte) 0).putShort((short) text.length).put(text).put(elements);
    return Files.write(folder.resolve(name), file.array());
  }

  private static double[] values(Path npy) throws Exception {
    byte[] file = Files.readAllBytes(npy);
    double[] values = new double[6];
    ByteBuffer.wrap(file, file.length - 48, 48)
        .order(ByteOrder.LITTLE_ENDIAN)
        .asDoubleBuffer()
        .get(values);
    return values;
  }

  @Test
  void evalHasTheGoldenValues() throws Exception {
    Path x = matrix("x.npy", P);
    Path y = matrix("y.npy", Q);
    Path gradY = folder.resolve("gy.npy");
    String json =
        run(
                "eval",
                "cwcl",
                "--x=" + x,
                "--y=" + y,
                "--reference=" + x,
                "--temperature=0.5",
                "--device=cuda:0",
                "--grad-y=" + gradY,
                "--grad-temperature=" + folder.resolve("gt.npy"),
                "--row-loss=" + folder.resolve("rows.npy"),
                "--json")
            .replaceAll("\\s", "");
    assertTrue(json.contains("\"device\":\"cuda:0\""), json);
    String loss = json.replaceAll("(?s).*\"loss\":([-\\d.eE]+),.*", "$1");
    assertEquals(1.6409053387365842, Double.parseDouble(loss), 1e-12, json);
    assertArrayEquals(GRAD_Q, values(gradY), 1e-9);
  }

  @Test
  void evalOfALossOverLabelsHasTheValuesOfItsFormula() throws Exception {
    ByteBuffer targets = ByteBuffer.allocate(24).order(ByteOrder.LITTLE_ENDIAN);
    targets.asLongBuffer().put(new long[] {2, 0, 1});
    double expected = 0;
    for (int i = 0; i < 3; i++) {
      double sum = 0;
      for (int j = 0; j < 3; j++) {
        sum += Math.exp(P[2 * i] * Q[2 * j] + P[2 * i + 1] * Q[2 * j + 1]);
      }
      int target = (i + 2) % 3;
      double score = P[2 * i] * Q[2 * target] + P[2 * i + 1] * Q[2 * target + 1];
      expected += (Math.log(sum) - score) / 3;
    }
    String json =
        run(
                "eval",
                "softmax-ce",
                "--x=" + matrix("x.npy", P),
                "--y=" + matrix("y.npy", Q),
                "--target=" + npy("t.npy", "'<i8'", "(3,)", targets.array()),
                "--device=cuda:0",
                "--json")
            .replaceAll("\\s", "");
    String loss = json.replaceAll("(?s).*\"loss\":([-\\d.eE]+),.*", "$1");
    assertEquals(expected, Double.parseDouble(loss), 1e-12, json);
  }

  @Test
  void infoNamesTheDevice() {
    String text = run("info", "--no-measure");
    Device cuda = Device.cudaDevices().get(0);
    assertTrue(text.contains(cuda + " "), text);
    assertTrue(text.contains(cuda.info().name() + ", compute capability "), text);
  }
}
