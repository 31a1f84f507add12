package org.lossmith;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.math.BigDecimal;
import java.math.BigInteger;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Products with packed weights, and products of codes with codes. */
class PowerProductTest extends DeviceTest {
  private static final int N = 11;
  private static final int K = 37;

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

  private Tensor normals(DType dtype, int rows, int columns, long seed) {
    return there(Tensor.of(dtype, PowerOracle.normals(rows * columns, seed), rows, columns));
  }

  @ParameterizedTest
  @CsvSource({"2, 1, F32", "3, 5, F32", "4, 1, BF16", "4, 70, F32", "6, 3, F16", "8, 9, F32"})
  void theProductIsThatOfTheDecodedMatrix(int bits, int m, DType dtype) {
    for (Groups groups :
        new Groups[] {Groups.perTensor(), Groups.perChannel(0), Groups.ofColumns(16)}) {
      PowerQuantizer quantizer = PowerQuantizer.of(bits).withGroups(groups);
      try (Tensor w = normals(DType.F32, N, K, 1);
          Tensor x = normals(dtype, m, K, 2);
          Tensor bias = there(Tensor.of(PowerOracle.normals(N, 3)));
          PowerParameters best = quantizer.parameters(context, w, 0.6);
          PowerMatrix packed = PowerMatrix.of(context, quantizer, w, best);
          Tensor decoded = packed.dequantize(context);
          Tensor plain = packed.multiply(context, x);
          Tensor out = Tensor.zeros(device(), DType.F32, m, N)) {
        assertEquals(N, packed.rows());
        assertEquals(K, packed.columns());
        assertEquals(N * quantizer.packedBytes(K) + packed.parameters().bytes(), packed.bytes());
        assertEquals(dtype, plain.dtype());
        packed.multiply(context, x, bias, out);
        double[] xs = x.toDoubleArray();
        double[] ws = decoded.toDoubleArray();
        double[] got = out.toDoubleArray();
        double[] narrow = plain.toDoubleArray();
        double[] biases = bias.toDoubleArray();
        for (int row = 0; row < m; row++) {
          for (int column = 0; column < N; column++) {
            double sum = 0;
            double size = 0;
            for (int i = 0; i < K; i++) {
              sum += xs[row * K + i] * ws[column * K + i];
              size += Math.abs(xs[row * K + i] * ws[column * K + i]);
            }
            // A GPU may round the weights to the type of x.
            boolean exact = dtype == DType.F32 || device().type() == Device.Type.CPU;
            double last = dtype == DType.F32 ? 2e-6 : 0.01;
            double wide = exact ? 2e-6 : 0.005;
            assertEquals(sum + biases[column], got[row * N + column], wide * (size + 1));
            assertEquals(sum, narrow[row * N + column], last * (size + 1));
          }
        }
      }
    }
  }

  @Test
  void codesOfAFileMakeAMatrix() {
    PowerQuantizer quantizer = PowerQuantizer.of(3);
    // 1, -2 and 3 in three bits each, the first in the lowest: 011 110 001.
    byte[] row = {(byte) 0b11110001, 0b0};
    Tensor codes = there(Tensor.of(row, 1, 2));
    PowerParameters parameters =
        PowerParameters.of(there(Tensor.of(new float[] {9})), there(Tensor.of(new float[] {0.5f})));
    try (PowerMatrix matrix = PowerMatrix.ofCodes(quantizer, codes, 3, parameters);
        Tensor values = matrix.dequantize(context);
        Tensor x = there(Tensor.of(new float[] {100, 10, 1}, 1, 3));
        Tensor out = matrix.multiply(context, x)) {
      assertArrayEquals(new float[] {1, -4, 9}, values.toFloatArray(), 1e-6f);
      assertEquals(69, out.item(), 1e-5);
    }
    assertTrue(codes.isClosed());
    assertTrue(parameters.scale().isClosed());
  }

  @Test
  void aMatrixOwnsItsCopies() {
    PowerQuantizer quantizer = PowerQuantizer.of(4);
    PowerMatrix matrix;
    try (Tensor w = normals(DType.F32, N, K, 4);
        PowerParameters parameters = quantizer.parameters(context, w, 1)) {
      matrix = PowerMatrix.of(context, quantizer, w, parameters);
    }
    try (Tensor x = normals(DType.F32, 2, K, 5)) {
      matrix.multiply(context, x).close();
      matrix.close();
      matrix.close();
      assertThrows(IllegalStateException.class, () -> matrix.multiply(context, x));
      assertThrows(IllegalStateException.class, () -> matrix.dequantize(context));
    }
  }

  @Test
  void manyThreadsShareAMatrix() throws Exception {
    PowerQuantizer quantizer = PowerQuantizer.of(4).withGroups(Groups.perChannel(0));
    try (Tensor w = normals(DType.F32, 40, 64, 6);
        Tensor x = normals(DType.F32, 3, 64, 7);
        PowerParameters parameters = quantizer.parameters(context, w, 0.5);
        PowerMatrix matrix = PowerMatrix.of(context, quantizer, w, parameters);
        Tensor once = matrix.multiply(context, x)) {
      float[] expected = once.toFloatArray();
      ExecutorService pool = Executors.newFixedThreadPool(4);
      List<Future<?>> done = new ArrayList<>();
      for (int thread = 0; thread < 4; thread++) {
        boolean own = thread % 2 == 0;
        done.add(
            pool.submit(
                () -> {
                  try (Context mine = Context.builder().device(device()).threads(2).build()) {
                    for (int i = 0; i < times(100, 3); i++) {
                      try (Tensor out = matrix.multiply(own ? mine : context, x)) {
                        assertArrayEquals(expected, out.toFloatArray());
                      }
                    }
                  }
                }));
      }
      for (Future<?> future : done) {
        future.get();
      }
      pool.shutdown();
    }
  }

  /** All codes of a range, at random. */
  private static int[] random(PowerRange range, int bits, int rows, Random random) {
    int largest = range.largest(bits);
    int lowest = range == PowerRange.SIGNED ? -largest : 0;
    return random.ints(rows * (long) K, lowest, largest + 1).toArray();
  }

  private Tensor plain(PowerRange range, int rows, int[] codes) {
    byte[] bytes = new byte[codes.length];
    for (int i = 0; i < codes.length; i++) {
      bytes[i] = (byte) codes[i];
    }
    return there(Tensor.of(range.codes(), bytes, rows, K));
  }

  private Tensor packed(int bits, int rows, int[] codes) {
    int bytes = (int) PowerQuantizer.of(bits).packedBytes(K);
    byte[] rowsOfBits = new byte[rows * bytes];
    for (int i = 0; i < codes.length; i++) {
      int field = Math.abs(codes[i]) | (codes[i] < 0 ? 1 << (bits - 1) : 0);
      for (int bit = 0; bit < bits; bit++) {
        int at = i % K * bits + bit;
        rowsOfBits[i / K * bytes + at / 8] |= (byte) ((field >> bit & 1) << at % 8);
      }
    }
    return there(Tensor.of(rowsOfBits, rows, bytes));
  }

  /** Every sum, value and code, in integers and decimals that round nothing. */
  @ParameterizedTest
  @CsvSource({
    "4, 4, SIGNED, 4, SIGNED",
    "4, 3, UNSIGNED, 8, UNSIGNED",
    "2, 4, SIGNED, 8, SIGNED",
    "3, 2, SIGNED, 3, UNSIGNED"
  })
  void integerProductsAreExact(
      int xBits, int wBits, PowerRange xRange, int outBits, PowerRange outRange) {
    int m = 6;
    Random random = new Random(xBits * 100 + wBits);
    PowerIntegerProduct product = new PowerIntegerProduct(xBits, wBits, xRange, outBits, outRange);
    int[] x = random(xRange, xBits, m, random);
    int[] w = random(PowerRange.SIGNED, wBits, N, random);
    float[] outScales = new float[N];
    float[] wScales = new float[N];
    for (int i = 0; i < N; i++) {
      wScales[i] = 0.1f + random.nextFloat();
      outScales[i] = 20 * random.nextFloat() + 0.01f;
    }
    wScales[3] = 0;
    float xScale = 1.7f;
    try (Tensor xCodes = plain(xRange, m, x);
        Tensor wCodes = packed(wBits, N, w);
        Tensor xs = there(Tensor.of(new float[] {xScale}));
        Tensor ws = there(Tensor.of(wScales));
        Tensor os = there(Tensor.of(outScales));
        Tensor sums = product.sums(context, xCodes, wCodes);
        Tensor values = product.multiply(context, xCodes, wCodes, xs, ws);
        Tensor codes = product.codes(context, xCodes, wCodes, xs, ws, os)) {
      assertEquals(outRange.codes(), codes.dtype());
      long[] gotSums = sums.toLongArray();
      long[] gotCodes = codes.toLongArray();
      float[] gotValues = values.toFloatArray();
      long qx = xRange.largest(xBits);
      long qw = PowerRange.SIGNED.largest(wBits);
      for (int i = 0; i < m * N; i++) {
        int row = i / N;
        int column = i % N;
        BigInteger sum = BigInteger.ZERO;
        for (int j = 0; j < K; j++) {
          long left = (long) x[row * K + j] * Math.abs(x[row * K + j]);
          long right = (long) w[column * K + j] * Math.abs(w[column * K + j]);
          sum = sum.add(BigInteger.valueOf(left * right));
        }
        assertEquals(sum.longValueExact(), gotSums[i]);
        double value =
            (double) xScale * wScales[column] / (double) (qx * qx * qw * qw) * sum.doubleValue();
        assertEquals(value, gotValues[i], Math.abs(value) * 1.2e-7);
        long expected =
            code(
                sum,
                new BigDecimal(xScale).multiply(new BigDecimal(wScales[column])),
                new BigDecimal(outScales[column]).multiply(BigDecimal.valueOf(qx * qx * qw * qw)),
                outRange,
                outBits);
        assertEquals(expected, gotCodes[i], "sum " + sum + " at " + i);
      }
    }
  }

  /** The code of y: |q| >= j where Q sqrt(y / s) >= j - 1/2, squared so that no root is left. */
  private static long code(
      BigInteger sum, BigDecimal factor, BigDecimal divisor, PowerRange range, int bits) {
    if (range == PowerRange.UNSIGNED && sum.signum() < 0) {
      return 0;
    }
    long largest = range.largest(bits);
    BigDecimal left =
        new BigDecimal(sum.abs())
            .multiply(factor)
            .multiply(BigDecimal.valueOf(4 * largest * largest));
    long code = 0;
    while (code < largest) {
      long odd = 2 * code + 1;
      if (left.compareTo(divisor.multiply(BigDecimal.valueOf(odd * odd))) < 0) {
        break;
      }
      code++;
    }
    return sum.signum() * code;
  }

  @Test
  void halvesOfCodesRoundAwayFromZero() {
    PowerIntegerProduct product = PowerIntegerProduct.of(4).withOut(4, PowerRange.SIGNED);
    byte[] xRow = {1, 2, 3};
    byte[] wRow = {0x11, 0x1};
    // The weights are 1, 1 and 1, so A = 14 = y, and Q sqrt(y / 56) = 3.5.
    try (Tensor x = there(Tensor.of(DType.I8, xRow, 1, 3));
        Tensor w = there(Tensor.of(wRow, 1, 2));
        Tensor xs = there(Tensor.of(new float[] {49}));
        Tensor ws = there(Tensor.of(new float[] {49}));
        Tensor os = there(Tensor.of(new float[] {56}));
        Tensor sums = product.sums(context, x, w);
        Tensor codes = product.codes(context, x, w, xs, ws, os)) {
      assertEquals(14, sums.item());
      assertEquals(4, codes.item());
    }
  }

  private static void expect(String message, Runnable call) {
    String got = assertThrows(IllegalArgumentException.class, call::run).getMessage();
    assertTrue(got.startsWith(message), got);
  }

  @Test
  void refusesByName() {
    PowerQuantizer quantizer = PowerQuantizer.of(4);
    PowerIntegerProduct product = PowerIntegerProduct.of(4);
    expect("xBits: ", () -> PowerIntegerProduct.of(5));
    expect("xBits: ", () -> product.withX(1, PowerRange.SIGNED));
    expect("outBits: ", () -> product.withOut(9, PowerRange.SIGNED));
    expect("outRange: ", () -> product.withOut(8, null));
    assertEquals(
        new PowerIntegerProduct(3, 4, PowerRange.UNSIGNED, 8, PowerRange.SIGNED),
        product.withX(3, PowerRange.UNSIGNED).withOut(8, PowerRange.SIGNED));
    try (Tensor w = normals(DType.F32, N, K, 8);
        Tensor wide = normals(DType.F32, 2, K + 1, 9);
        Tensor bytes = Tensor.zeros(device(), DType.U8, N, 19);
        Tensor xCodes = Tensor.zeros(device(), DType.I8, 2, K);
        PowerParameters parameters = quantizer.parameters(context, w, 0.5);
        PowerMatrix matrix = PowerMatrix.of(context, quantizer, w, parameters)) {
      expect("x: ", () -> matrix.multiply(context, null));
      // A row of this many codes has the same bytes.
      expect("x: expected [m,37], got ", () -> matrix.multiply(context, wide));
      expect("x: expected a matrix", () -> matrix.multiply(context, parameters.scale()));
      expect("out: ", () -> matrix.multiply(context, w, null, w));
      expect("context: ", () -> matrix.multiply(null, w));
      expect("codes: ", () -> PowerMatrix.ofCodes(quantizer, bytes, K + 2, parameters));
      expect("codes: ", () -> PowerMatrix.ofCodes(quantizer, w, K, parameters));
      expect("quantizer: ", () -> PowerMatrix.of(context, null, w, parameters));
      expect(
          "range: expected signed codes",
          () -> PowerMatrix.of(context, quantizer.withRange(PowerRange.UNSIGNED), w, parameters));
      expect(
          "axis: ",
          () -> PowerMatrix.of(context, quantizer.withGroups(Groups.perChannel(1)), w, parameters));
      expect("xCodes: ", () -> product.sums(context, null, bytes));
      expect("x_codes: ", () -> product.sums(context, w, bytes));
      expect("w_codes: ", () -> product.sums(context, xCodes, xCodes));
      expect("x_scale: ", () -> product.multiply(context, xCodes, bytes, null, null));
    }
  }
}
