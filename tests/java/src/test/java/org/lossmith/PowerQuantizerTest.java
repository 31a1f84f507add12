package org.lossmith;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Codes, values and gradients of power quantization. */
class PowerQuantizerTest extends DeviceTest {
  private static final double[] W = {0.9, -0.31, 0.12, -0.05, 0.004, -0.62};
  private static final double[] VALUES = {
    0.9, -0.2938775510, 0.1653061224, -0.0734693878, 0, -0.6612244898
  };

  private Context context;

  @BeforeAll
  void open() {
    context = Context.of(device());
  }

  @AfterAll
  void close() {
    if (context != null) {
      context.close();
    }
  }

  private Tensor numbers(double... values) {
    return there(Tensor.of(values));
  }

  private PowerParameters parameters(double scale, double exponent) {
    return PowerParameters.of(numbers(scale), numbers(exponent));
  }

  /** Numbers of independent origin. */
  @Test
  void golden() {
    PowerQuantizer quantizer = PowerQuantizer.of(4);
    assertEquals(7, quantizer.largest());
    try (Tensor w = numbers(W);
        PowerParameters parameters = quantizer.parameters(context, w, 0.5);
        Tensor codes = quantizer.quantize(context, w, parameters);
        Tensor values = quantizer.fakeQuantize(context, w, parameters);
        Tensor again = quantizer.dequantize(context, codes, parameters);
        Tensor latents = quantizer.latents(context, w, parameters)) {
      assertEquals(0.9, parameters.scale().item());
      assertEquals(0.5, parameters.exponent().item());
      assertNull(parameters.shift());
      assertEquals(DType.I8, codes.dtype());
      assertArrayEquals(new byte[] {7, -4, 3, -2, 0, -6}, codes.toByteArray());
      assertArrayEquals(VALUES, values.toDoubleArray(), 1e-10);
      assertArrayEquals(values.toDoubleArray(), again.toDoubleArray());
      double[] u = {7, -4.1082572677, 2.5560386017, -1.6499158228, 0.4666666667, -5.8099531457};
      assertArrayEquals(u, latents.toDoubleArray(), 1e-10);
    }
  }

  /** Numbers of independent origin; a group for each column shows the terms of the sums. */
  @Test
  void goldenGradients() {
    double[] gradW = {1, 0.9736488587, 1.1736911947, 1.2121830535, 0, 1.0327105657};
    double[] gradScale = {0, 0.008837328, 0.0271813101, -0.0142891501, 0, -0.0232710434};
    double[] gradExponent = {0, -0.0144372361, -0.0073156486, -0.0177929469, 0, 0.0695206553};
    PowerQuantizer quantizer =
        PowerQuantizer.of(4).withGroups(Groups.ofColumns(1)).withGradient(PowerGradient.EXACT);
    double[] scales = new double[6];
    double[] exponents = new double[6];
    double[] ones = new double[6];
    Arrays.fill(scales, 0.9);
    Arrays.fill(exponents, 0.5);
    Arrays.fill(ones, 1);
    try (Tensor w = there(Tensor.of(W, 1, 6));
        Tensor g = there(Tensor.of(ones, 1, 6));
        Tensor out = like(w);
        Tensor dw = like(w);
        Tensor ds = like(w);
        Tensor da = like(w);
        Tensor da1 = numbers(0);
        PowerParameters each =
            PowerParameters.of(there(Tensor.of(scales, 1, 6)), there(Tensor.of(exponents, 1, 6)));
        Tensor one = numbers(0.5)) {
      quantizer.fakeQuantize(context, w, each, g, out, null, dw, ds, da);
      assertArrayEquals(VALUES, out.toDoubleArray(), 1e-10);
      assertArrayEquals(gradW, dw.toDoubleArray(), 1e-9);
      assertArrayEquals(gradScale, ds.toDoubleArray(), 1e-9);
      assertArrayEquals(gradExponent, da.toDoubleArray(), 1e-9);
      // One exponent for all scales has the sum; the identity is 1 at the code 0 too.
      PowerParameters shared = PowerParameters.of(each.scale(), one);
      quantizer
          .withGradient(PowerGradient.IDENTITY)
          .fakeQuantize(context, w, shared, g, null, null, dw, null, da1);
      assertArrayEquals(ones, dw.toDoubleArray());
      assertEquals(Arrays.stream(gradExponent).sum(), da1.item(), 1e-9);
    }
  }

  private static Tensor like(Tensor tensor) {
    return Tensor.zeros(tensor.device(), tensor.dtype(), tensor.shape());
  }

  @Test
  void clippedWeightsMoveTheScaleOnly() {
    try (Tensor w = numbers(0.9);
        Tensor g = numbers(3);
        PowerParameters parameters = parameters(0.5, 0.5);
        Tensor out = numbers(0);
        Tensor codes = there(Tensor.of(DType.I8, new byte[1]));
        Tensor dw = numbers(5);
        Tensor ds = numbers(5);
        Tensor da = numbers(5)) {
      PowerQuantizer.of(4).fakeQuantize(context, w, parameters, g, out, codes, dw, ds, da);
      assertEquals(0.5, out.item());
      assertEquals(7, codes.item());
      assertEquals(0, dw.item());
      assertEquals(3, ds.item());
      assertEquals(0, da.item());
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {2, 3, 4, 5, 8})
  void exponentOneIsUniform(int bits) {
    float[] values = PowerOracle.normals(200, bits);
    PowerQuantizer quantizer = PowerQuantizer.of(bits);
    try (Tensor w = there(Tensor.of(values, 10, 20));
        PowerParameters parameters = quantizer.parameters(context, w, 1);
        Tensor codes = quantizer.quantize(context, w, parameters);
        Tensor out = quantizer.fakeQuantize(context, w, parameters)) {
      float scale = (float) parameters.scale().item();
      long[] got = codes.toLongArray();
      float[] after = out.toFloatArray();
      float q = quantizer.largest();
      for (int i = 0; i < values.length; i++) {
        double u = Math.abs((double) values[i]) / scale * q;
        long magnitude = (long) Math.floor(u + 0.5);
        assertEquals(values[i] < 0 ? -magnitude : magnitude, got[i], "element " + i);
        assertEquals(scale * (got[i] / q), after[i], "element " + i);
      }
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {2, 3, 4, 7})
  void packedRowsAreStreamsOfBits(int bits) {
    int n = 3;
    int k = 13;
    PowerQuantizer quantizer = PowerQuantizer.of(bits).withGroups(Groups.perChannel(0));
    try (Tensor w = there(Tensor.of(PowerOracle.normals(n * k, 9), n, k));
        PowerParameters parameters = quantizer.parameters(context, w, 0.6);
        Tensor plain = quantizer.quantize(context, w, parameters);
        Tensor packed = quantizer.quantizePacked(context, w, parameters);
        Tensor values = quantizer.dequantize(context, plain, parameters);
        Tensor unpacked = quantizer.dequantizePacked(context, packed, k, parameters)) {
      int field = bits <= 4 ? bits : 8;
      assertEquals((k * field + 7) / 8, quantizer.packedBytes(k));
      byte[] codes = plain.toByteArray();
      byte[] expected = new byte[(int) (n * quantizer.packedBytes(k))];
      for (int i = 0; i < n * k; i++) {
        int sign = codes[i] < 0 ? 1 << (field - 1) : 0;
        int bitsOfField = Math.abs(codes[i]) | sign;
        for (int bit = 0; bit < field; bit++) {
          int at = i % k * field + bit;
          int index = i / k * (int) quantizer.packedBytes(k) + at / 8;
          expected[index] |= (byte) ((bitsOfField >> bit & 1) << at % 8);
        }
      }
      assertArrayEquals(expected, packed.toByteArray());
      assertArrayEquals(values.toFloatArray(), unpacked.toFloatArray());
      assertEquals(DType.F32, unpacked.dtype());
    }
  }

  @ParameterizedTest
  @EnumSource(names = {"F32", "BF16", "F16"})
  void channelsOfAnyAxis(DType dtype) {
    for (int axis = 0; axis < 3; axis++) {
      PowerQuantizer quantizer = PowerQuantizer.of(4).withGroups(Groups.perChannel(axis));
      try (Tensor w = there(Tensor.of(dtype, PowerOracle.normals(60, 3), 3, 4, 5));
          PowerParameters parameters = quantizer.parameters(context, w, 0.7);
          Tensor out = quantizer.fakeQuantize(context, w, parameters);
          Tensor exact = out.to(DType.F64)) {
        assertEquals(dtype, out.dtype());
        assertArrayEquals(new long[] {3 + axis}, parameters.scale().shape());
        double[] scales = parameters.scale().toDoubleArray();
        double[] before = w.toDoubleArray();
        double[] after = exact.toDoubleArray();
        int[] steps = {20, 5, 1};
        for (int i = 0; i < 60; i++) {
          double s = scales[i / steps[axis] % (3 + axis)];
          assertEquals(
              PowerOracle.quantized(before[i], s, (float) 0.7, 4, PowerRange.SIGNED),
              after[i],
              dtype == DType.F32 ? 1e-6 : 0.02);
        }
      }
    }
  }

  @Test
  void activationsAreUnsignedAndMayBeShifted() {
    PowerQuantizer quantizer = PowerQuantizer.of(3).withRange(PowerRange.UNSIGNED);
    assertEquals(7, quantizer.largest());
    try (Tensor x = numbers(-0.3, 0, 0.5, 2);
        PowerParameters plain = quantizer.parameters(context, x, 0.5);
        PowerParameters shifted = quantizer.shiftedParameters(context, x, 0.5);
        Tensor codes = quantizer.quantize(context, x, plain);
        Tensor out = quantizer.fakeQuantize(context, x, shifted)) {
      assertEquals(2, plain.scale().item());
      assertEquals(2.3, shifted.scale().item(), 1e-15);
      assertEquals(-0.3, shifted.shift().item());
      assertEquals(DType.U8, codes.dtype());
      assertArrayEquals(new long[] {0, 0, 4, 7}, codes.toLongArray());
      double[] expected = new double[4];
      double[] values = x.toDoubleArray();
      Arrays.setAll(
          expected,
          i -> PowerOracle.quantized(values[i] + 0.3, 2.3, 0.5, 3, PowerRange.UNSIGNED) - 0.3);
      assertArrayEquals(expected, out.toDoubleArray(), 1e-12);
    }
  }

  /** Numbers of independent origin: with a = 1 and s = Q the values are the soft codes. */
  @Test
  void goldenStaircase() {
    try (Tensor theta = numbers(-1.3, 0.2, 0.5, 2.8);
        Tensor g = numbers(1, 1, 1, 1);
        PowerParameters parameters = parameters(7, 1);
        Tensor out = like(theta);
        Tensor codes = Tensor.zeros(device(), DType.I8, 4);
        Tensor gradTheta = like(theta);
        Tensor gradScale = numbers(0)) {
      PowerQuantizer quantizer = PowerQuantizer.of(4);
      quantizer.staircase(context, 5, theta, parameters, g, out, codes, gradTheta, gradScale, null);
      double[] soft = {-1.1140365301, 0.0412856598, 0.5, 2.9587143402};
      assertArrayEquals(soft, out.toDoubleArray(), 1e-10);
      assertArrayEquals(
          new double[] {1.0641806591, 0.4578958547, 2.5339182745, 0.4578958547},
          gradTheta.toDoubleArray(),
          1e-10);
      assertArrayEquals(new byte[] {-1, 0, 1, 3}, codes.toByteArray());
      assertEquals(Arrays.stream(soft).sum() / 7, gradScale.item(), 1e-10);
      quantizer.staircase(context, 0, theta, parameters, g, out, null, gradTheta, null, null);
      assertArrayEquals(new double[] {-1, 0, 1, 3}, out.toDoubleArray(), 1e-15);
      assertArrayEquals(new double[] {1, 1, 1, 1}, gradTheta.toDoubleArray(), 1e-15);
    }
  }

  @Test
  void aGroupOfZerosStaysZeroAndNanIsSeen() {
    PowerQuantizer quantizer = PowerQuantizer.of(4).withGroups(Groups.perChannel(0));
    try (Tensor w = there(Tensor.of(new float[] {0, 0, Float.NaN, 1}, 2, 2));
        PowerParameters parameters =
            PowerParameters.of(
                there(Tensor.of(new float[] {0, 1})), there(Tensor.of(new float[] {0.5f})));
        Tensor codes = quantizer.quantize(context, w, parameters);
        Tensor out = quantizer.fakeQuantize(context, w, parameters)) {
      assertArrayEquals(new byte[] {0, 0, 0, 7}, codes.toByteArray());
      assertArrayEquals(new float[] {0, 0, Float.NaN, 1}, out.toFloatArray());
    }
  }

  @Test
  void outMayBeWAndGradientsTheirUpstream() {
    PowerQuantizer quantizer = PowerQuantizer.of(4).withGradient(PowerGradient.EXACT);
    try (Tensor w = numbers(W);
        Tensor g = numbers(1, 2, 3, 4, 5, 6);
        PowerParameters parameters = parameters(0.9, 0.5);
        Tensor dw = like(w)) {
      quantizer.fakeQuantize(context, w, parameters, g, null, null, dw, null, null);
      quantizer.fakeQuantize(context, w, parameters, g, w, null, g, null, null);
      assertArrayEquals(VALUES, w.toDoubleArray(), 1e-10);
      assertArrayEquals(dw.toDoubleArray(), g.toDoubleArray());
    }
  }

  @Test
  void parametersCloseTheirTensorsAndCopiesLiveOn() {
    PowerParameters parameters = new PowerParameters(numbers(1, 2), numbers(0.5), numbers(0, 0));
    assertEquals(40, parameters.bytes());
    try (PowerParameters copy = parameters.to(device())) {
      parameters.close();
      parameters.close();
      assertTrue(parameters.scale().isClosed());
      assertTrue(parameters.exponent().isClosed());
      assertTrue(parameters.shift().isClosed());
      assertArrayEquals(new double[] {1, 2}, copy.scale().toDoubleArray());
      assertThrows(IllegalStateException.class, () -> parameters.to(device()));
    }
  }

  @Test
  void groupsHaveShapes() {
    assertArrayEquals(new long[] {1}, Groups.perTensor().shape(3, 4, 5));
    assertArrayEquals(new long[] {5}, Groups.perChannel(2).shape(3, 4, 5));
    assertArrayEquals(new long[] {3, 4}, Groups.ofColumns(8).shape(3, 25));
    assertArrayEquals(new long[] {1, 1L << 60}, Groups.ofColumns(4).shape(1, (1L << 62) - 1));
    expect("axis: expected a dimension of the tensor", () -> Groups.perChannel(3).shape(1, 2, 3));
    expect("shape: expected a matrix", () -> Groups.ofColumns(2).shape(4));
    expect("axis: expected -1 for groups of columns", () -> new Groups(0, 2));
    expect("axis: ", () -> new Groups(-2, 0));
    expect("columns: ", () -> Groups.ofColumns(0));
    expect("axis: ", () -> Groups.perChannel(-1));
    assertEquals(3L << 59, PowerQuantizer.of(3).packedBytes(1L << 62));
  }

  private static void expect(String message, Runnable call) {
    String got = assertThrows(IllegalArgumentException.class, call::run).getMessage();
    assertTrue(got.startsWith(message), got);
  }

  @Test
  void refusesByName() {
    PowerQuantizer quantizer = PowerQuantizer.of(4);
    expect("bits: expected 2 to 8, got 9", () -> PowerQuantizer.of(9));
    expect("range: ", () -> quantizer.withRange(null));
    expect("gradient: ", () -> quantizer.withGradient(null));
    expect("groups: ", () -> quantizer.withGroups(null));
    expect("columns: ", () -> quantizer.packedBytes(-1));
    assertEquals(quantizer, quantizer.withBits(2).withBits(4));
    try (Tensor w = numbers(W);
        Tensor bytes = Tensor.zeros(device(), DType.U8, 6);
        PowerParameters parameters = parameters(0.9, 0.5);
        PowerParameters shifted = new PowerParameters(numbers(1), numbers(0.5), numbers(0));
        PowerParameters two = PowerParameters.of(numbers(1, 1), numbers(0.5));
        PowerParameters narrow =
            PowerParameters.of(
                there(Tensor.of(new float[] {1})), there(Tensor.of(new float[] {1})))) {
      expect("context: ", () -> quantizer.fakeQuantize(null, w, parameters));
      expect("w: ", () -> quantizer.fakeQuantize(context, null, parameters));
      expect("parameters: ", () -> quantizer.fakeQuantize(context, w, null));
      expect("scale: ", () -> PowerParameters.of(null, w));
      expect("exponent: ", () -> quantizer.parameters(context, w, 0));
      expect("scale: expected [1], got [2]", () -> quantizer.quantize(context, w, two));
      expect("scale: expected f64, got f32", () -> quantizer.quantize(context, w, narrow));
      expect("shift: ", () -> quantizer.quantize(context, w, shifted));
      expect("shift: expected none", () -> quantizer.latents(context, w, shifted));
      expect("codes: expected i8, got u8", () -> quantizer.quantize(context, w, parameters, bytes));
      expect("codes: ", () -> quantizer.dequantize(context, bytes, parameters));
      expect("w: expected a matrix", () -> quantizer.quantizePacked(context, w, parameters));
      expect(
          "upstream: ",
          () -> quantizer.fakeQuantize(context, w, parameters, null, null, null, w, null, null));
      expect(
          "groups.axis: ",
          () -> quantizer.withGroups(Groups.perChannel(1)).quantize(context, w, parameters, bytes));
      expect("axis: ", () -> quantizer.withGroups(Groups.perChannel(1)).scales(context, w));
      expect(
          "beta: ",
          () -> quantizer.staircase(context, -1, w, parameters, null, w, null, null, null, null));
    }
  }

  @Test
  void closedObjectsAreRefused() {
    PowerQuantizer quantizer = PowerQuantizer.of(4);
    PowerParameters closed = parameters(0.9, 0.5);
    closed.close();
    Context ended = Context.of(device());
    ended.close();
    try (Tensor w = numbers(W);
        PowerParameters parameters = parameters(0.9, 0.5)) {
      assertThrows(IllegalStateException.class, () -> quantizer.fakeQuantize(context, w, closed));
      assertThrows(IllegalStateException.class, () -> quantizer.fakeQuantize(ended, w, parameters));
      // The tensors that came before the closed one in that call are free again.
      try (Tensor out = quantizer.fakeQuantize(context, w, parameters)) {
        assertArrayEquals(VALUES, out.toDoubleArray(), 1e-10);
      }
    }
  }
}
