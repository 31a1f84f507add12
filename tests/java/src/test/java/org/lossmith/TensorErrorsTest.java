package org.lossmith;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;

/** Every wrong use of a tensor is an error that names the argument, what fits and what came. */
class TensorErrorsTest {
  private Tensor t;

  @BeforeEach
  void open() {
    t = Tensor.zeros(DType.F32, 2, 3);
  }

  @AfterEach
  void close() {
    t.close();
  }

  @Test
  void nullsAreNamed() {
    bad("device: expected a value, got null", () -> Tensor.zeros((Device) null, DType.F32, 1));
    bad("dtype: expected a value, got null", () -> Tensor.zeros((DType) null, 1));
    bad("shape: expected a value, got null", () -> Tensor.zeros(DType.F32, (long[]) null));
    bad("values: expected a value, got null", () -> Tensor.of((float[]) null, 1));
    bad("values: expected a value, got null", () -> Tensor.of((double[]) null, 1));
    bad("values: expected a value, got null", () -> Tensor.of((byte[]) null, 1));
    bad("buffer: expected a value, got null", () -> Tensor.wrap((ByteBuffer) null, DType.F32));
    bad("source: expected a value, got null", () -> t.copyFrom((Tensor) null));
    bad("values: expected a value, got null", () -> t.copyFrom((float[]) null));
    bad("target: expected a value, got null", () -> t.copyTo((double[]) null));
  }

  @Test
  void badShapesAreNamed() {
    assertNames("shape", () -> Tensor.zeros(DType.F32, 2, -1));
    assertNames("shape", () -> Tensor.zeros(DType.F32, 1L << 40, 1L << 40));
    assertThrows(IllegalArgumentException.class, () -> Tensor.zeros(DType.F32, new long[9]));
    bad("values: expected 6 elements for shape [2, 3], got 5", () -> Tensor.of(new float[5], 2, 3));
    bad("values: expected 6 elements for shape [2, 3], got 7", () -> t.copyFrom(new float[7]));
    bad("values: expected 6 elements for shape [2, 3], got 0", () -> t.copyFrom(new double[0]));
    bad("target: expected 6 elements for shape [2, 3], got 5", () -> t.copyTo(new float[5]));
    bad("target: expected 6 elements for shape [2, 3], got 5", () -> t.copyTo(new double[5]));
    try (Tensor other = Tensor.zeros(DType.F32, 3, 2)) {
      bad("source: expected shape [2, 3], got Tensor[F32 [3, 2] cpu]", () -> t.copyFrom(other));
    }
  }

  @Test
  void memoryThatCannotBeHadIsOutOfMemory() {
    assertThrows(OutOfMemoryError.class, () -> Tensor.zeros(DType.F64, 1L << 50));
  }

  @Test
  void badRowsAreNamed() {
    bad("rows: expected 0 <= from <= to <= 2, got 1 to 3", () -> t.rows(1, 3));
    bad("rows: expected 0 <= from <= to <= 2, got -1 to 1", () -> t.rows(-1, 1));
    bad("rows: expected 0 <= from <= to <= 2, got 2 to 1", () -> t.rows(2, 1));
    try (Tensor scalar = Tensor.zeros(DType.F32)) {
      assertNames("rows", () -> scalar.rows(0, 0));
    }
  }

  @Test
  void badAxesAreNamed() {
    bad("axis: expected 0 to 1, got 2", () -> t.size(2));
    bad("axis: expected 0 to 1, got -1", () -> t.size(-1));
  }

  @Test
  void badBuffersAreNamed() {
    ByteBuffer heap = ByteBuffer.allocate(16).order(ByteOrder.nativeOrder());
    ByteBuffer direct = ByteBuffer.allocateDirect(16).order(ByteOrder.nativeOrder());
    bad(
        "buffer: expected a direct buffer, got one on the heap",
        () -> Tensor.wrap(heap, DType.F32, 4));
    bad(
        "buffer: expected a writable buffer, got a read-only one",
        () -> Tensor.wrap(direct.asReadOnlyBuffer(), DType.F32, 4));
    ByteBuffer wrong = ByteBuffer.allocateDirect(16);
    if (wrong.order() != ByteOrder.nativeOrder()) {
      assertNames("buffer", () -> Tensor.wrap(wrong, DType.F32, 4));
    }
    bad(
        "buffer: expected at least 20 bytes for shape [5], got 16",
        () -> Tensor.wrap(direct, DType.F32, 5));
  }

  @Test
  void badStridesAreNamed() {
    bad(
        "strides: expected 2 of them, got [1]",
        () ->
            Tensor.wrap(
                t.address(), Device.cpu(), DType.F32, t, new long[] {2, 3}, new long[] {1}));
  }

  @Test
  void integersAreNotConverted() {
    String expected =
        "dtype: expected a floating-point tensor for floating-point values, got Tensor[U8 [2] cpu]";
    try (Tensor mask = Tensor.of(new byte[] {1, 0});
        Tensor floats = Tensor.of(new float[] {1, 0})) {
      bad(expected, () -> mask.copyFrom(new float[2]));
      bad(expected, () -> mask.copyFrom(new double[2]));
      bad(expected, mask::toFloatArray);
      bad(expected, mask::toDoubleArray);
      assertThrows(IllegalArgumentException.class, () -> mask.copyFrom(floats));
      assertThrows(IllegalArgumentException.class, () -> mask.to(DType.F32));
    }
  }

  @Test
  void severalElementsAreNoItem() {
    assertThrows(IllegalArgumentException.class, () -> t.item());
  }

  @Test
  void aDeviceThatThisMachineLacksIsUnsupported() {
    assumeTrue(Device.cudaDevices().isEmpty(), "this machine has a GPU");
    assertThrows(
        UnsupportedOperationException.class, () -> Tensor.zeros(Device.cuda(0), DType.F32, 1));
    assertThrows(UnsupportedOperationException.class, () -> t.to(Device.cuda(0)));
  }

  @Test
  void stridedTensorsHaveNoBuffer() {
    long[] shape = {2, 2};
    try (Tensor left =
        Tensor.wrap(t.address(), Device.cpu(), DType.F32, t, shape, new long[] {3, 1})) {
      assertThrows(UnsupportedOperationException.class, left::asByteBuffer);
    }
  }

  @Test
  void closedTensorsAreClosed() {
    Tensor other = Tensor.zeros(DType.F32, 2, 3);
    t.close();
    t.close();
    assertTrue(t.isClosed());
    closed(() -> t.address());
    closed(() -> t.rows(0, 1));
    closed(() -> t.toFloatArray());
    closed(() -> t.toDoubleArray());
    closed(() -> t.copyFrom(new float[6]));
    closed(() -> t.copyFrom(other));
    closed(() -> other.copyFrom(t));
    closed(() -> t.to(DType.F64));
    closed(() -> t.to(Device.cpu()));
    closed(() -> t.asByteBuffer());
    closed(() -> t.item());
    other.close();
  }

  private static void closed(Executable use) {
    IllegalStateException e = assertThrows(IllegalStateException.class, use);
    assertEquals("tensor F32[2, 3]: expected an open one, got a closed one", e.getMessage());
  }

  private static void assertNames(String name, Executable use) {
    String message = assertThrows(IllegalArgumentException.class, use).getMessage();
    assertTrue(message.startsWith(name + ": expected "), message);
    assertTrue(message.contains(", got "), message);
  }

  private static void bad(String message, Executable use) {
    assertEquals(message, assertThrows(IllegalArgumentException.class, use).getMessage());
  }
}
