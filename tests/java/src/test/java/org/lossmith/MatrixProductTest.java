package org.lossmith;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Products of whole tensors. */
class MatrixProductTest extends DeviceTest {
  @ParameterizedTest
  @EnumSource(names = {"F32", "F64", "BF16", "F16"})
  void smallNumbersMultiplyExactly(DType dtype) {
    float[] left = {1, 2, 3, 4, 5, 6};
    float[] right = {7, 8, 9, 10, 11, 12};
    DType wide = dtype == DType.F64 ? DType.F64 : DType.F32;
    try (Context context = Context.of(device());
        Tensor a = there(Tensor.of(dtype, left, 2, 3));
        Tensor b = there(Tensor.of(dtype, right, 3, 2));
        Tensor square = Tensor.zeros(device(), wide, 3, 3);
        Tensor plain = MatrixProduct.plain().multiply(context, a, b);
        Tensor first = new MatrixProduct(true, false, false).multiply(context, a, a);
        Tensor second = new MatrixProduct(false, true, false).multiply(context, a, a)) {
      assertEquals(wide, plain.dtype());
      assertArrayEquals(new double[] {58, 64, 139, 154}, plain.toDoubleArray());
      double[] moments = {17, 22, 27, 22, 29, 36, 27, 36, 45};
      assertArrayEquals(moments, first.toDoubleArray());
      assertArrayEquals(new double[] {14, 32, 32, 77}, second.toDoubleArray());
      MatrixProduct add = new MatrixProduct(true, false, true);
      try (Tensor top = a.rows(0, 1);
          Tensor bottom = a.rows(1, 2)) {
        add.multiply(context, top, top, square);
        add.multiply(context, bottom, bottom, square);
      }
      assertArrayEquals(moments, square.toDoubleArray());
    }
  }

  @Test
  void nothingToSumIsZero() {
    try (Context context = Context.of(device());
        Tensor a = Tensor.zeros(device(), DType.F32, 2, 0);
        Tensor b = Tensor.zeros(device(), DType.F32, 0, 2);
        Tensor out = there(Tensor.of(new float[] {1, 2, 3, 4}, 2, 2))) {
      new MatrixProduct(false, false, true).multiply(context, a, b, out);
      assertArrayEquals(new float[] {1, 2, 3, 4}, out.toFloatArray());
      MatrixProduct.plain().multiply(context, a, b, out);
      assertArrayEquals(new float[4], out.toFloatArray());
    }
  }

  private static void expect(String message, Runnable call) {
    String got = assertThrows(IllegalArgumentException.class, call::run).getMessage();
    assertTrue(got.startsWith(message), got);
  }

  @Test
  void refusesByName() {
    expect("transposeB: ", () -> new MatrixProduct(true, true, false));
    MatrixProduct plain = MatrixProduct.plain();
    try (Context context = Context.of(device());
        Tensor a = Tensor.zeros(device(), DType.F32, 2, 3);
        Tensor half = Tensor.zeros(device(), DType.F16, 3, 2);
        Tensor line = Tensor.zeros(device(), DType.F32, 3)) {
      expect("a: expected a value", () -> plain.multiply(context, null, a));
      expect("b: expected a matrix", () -> plain.multiply(context, a, line));
      expect("b: ", () -> plain.multiply(context, a, a));
      expect("b: expected f32, got f16", () -> plain.multiply(context, a, half));
      expect("context: ", () -> plain.multiply(null, a, a));
      Tensor closed = Tensor.zeros(device(), DType.F32, 3, 2);
      closed.close();
      assertThrows(IllegalStateException.class, () -> plain.multiply(context, a, closed));
    }
  }
}
