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
    String header = "{'descr': '<f8', 'fortran_order': False, 'shape': (3, 2), }";
    byte[] text = Arrays.copyOf(header.getBytes(StandardCharsets.US_ASCII), 118);
    Arrays.fill(text, header.length(), 117, (byte) ' ');
    text[117] = '\n';
    ByteBuffer file = ByteBuffer.allocate(10 + text.length + 48).order(ByteOrder.LITTLE_ENDIAN);
    file.put((byte) 0x93).put("NUMPY".getBytes(StandardCharsets.US_ASCII)).put((byte) 1);
    file.put((byte) 0).putShort((short) text.length).put(text);
    for (double value : values) {
      file.putDouble(value);
    }
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
  void infoNamesTheDevice() {
    String text = run("info", "--no-measure");
    Device cuda = Device.cudaDevices().get(0);
    assertTrue(text.contains(cuda + " "), text);
    assertTrue(text.contains(cuda.info().name() + ", compute capability "), text);
  }
}
