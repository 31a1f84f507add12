package org.lossmith;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Tensors: making, viewing, converting and copying them. */
class TensorTest {
  private static final float[] SIX = {1, 2, 3, 4, 5, 6};

  @ParameterizedTest
  @EnumSource
  void zerosAreZeroAlignedAndCounted(DType dtype) {
    try (Tensor t = Tensor.zeros(dtype, 3, 5)) {
      assertEquals(dtype, t.dtype());
      assertEquals(Device.cpu(), t.device());
      assertArrayEquals(new long[] {3, 5}, t.shape());
      assertEquals(5, t.size(1));
      assertEquals(2, t.rank());
      assertEquals(15, t.elements());
      assertEquals(15L * dtype.bytes(), t.bytes());
      assertEquals(0, t.address() % 64);
      assertTrue(t.isContiguous());
      assertEquals(1, Lossmith.liveTensors());
      assertTrue(Lossmith.liveBytes() >= t.bytes());
      assertEquals("Tensor[" + dtype + " [3, 5] cpu]", t.toString());
      ByteBuffer memory = t.asByteBuffer();
      while (memory.hasRemaining()) {
        assertEquals(0, memory.get());
      }
    }
  }

  @ParameterizedTest
  @EnumSource(names = {"F32", "F64", "F16", "BF16"})
  void smallIntegersSurviveEveryFloatingType(DType dtype) {
    try (Tensor t = Tensor.of(dtype, SIX, 2, 3)) {
      assertArrayEquals(SIX, t.toFloatArray());
      assertArrayEquals(new double[] {1, 2, 3, 4, 5, 6}, t.toDoubleArray());
      t.copyFrom(new double[] {6, 5, 4, 3, 2, 1});
      float[] target = new float[6];
      t.copyTo(target);
      assertArrayEquals(new float[] {6, 5, 4, 3, 2, 1}, target);
      double[] wide = new double[6];
      t.copyTo(wide);
      assertArrayEquals(new double[] {6, 5, 4, 3, 2, 1}, wide);
    }
  }

  @ParameterizedTest
  @EnumSource(names = {"U8", "I8"})
  void bytesAreKeptAsTheyAre(DType dtype) {
    byte[] values = {0, 1, -1, 127, -128, 5};
    try (Tensor t = Tensor.of(dtype, values, 2, 3);
        Tensor row = t.rows(1, 2)) {
      assertArrayEquals(values, t.toByteArray());
      assertArrayEquals(new byte[] {127, -128, 5}, row.toByteArray());
      long[] wide = dtype == DType.U8 ? new long[] {127, 128, 5} : new long[] {127, -128, 5};
      assertArrayEquals(wide, row.toLongArray());
      assertThrows(IllegalArgumentException.class, t::toFloatArray);
    }
    assertThrows(IllegalArgumentException.class, () -> Tensor.of(DType.I32, values));
    try (Tensor numbers = Tensor.of(SIX);
        Tensor ints = Tensor.of(new int[] {3, -4})) {
      assertThrows(IllegalArgumentException.class, numbers::toByteArray);
      assertThrows(IllegalArgumentException.class, numbers::toLongArray);
      assertThrows(IllegalArgumentException.class, ints::toByteArray);
      assertArrayEquals(new long[] {3, -4}, ints.toLongArray());
    }
  }

  @Test
  void halfTypesRoundToNearestEven() {
    float[] values = {1 + 0x1p-8f, 1 + 3 * 0x1p-8f, 1 + 0x1p-11f, 1 + 3 * 0x1p-11f};
    try (Tensor f32 = Tensor.of(values);
        Tensor bf16 = f32.to(DType.BF16);
        Tensor f16 = f32.to(DType.F16)) {
      assertArrayEquals(new float[] {1, 1 + 0x1p-6f, 1, 1}, bf16.toFloatArray());
      assertArrayEquals(
          new float[] {1 + 0x1p-8f, 1 + 3 * 0x1p-8f, 1, 1 + 0x1p-9f}, f16.toFloatArray());
    }
  }

  @Test
  void nansAndInfinitiesSurviveConversion() {
    float[] values = {Float.NaN, Float.POSITIVE_INFINITY, Float.NEGATIVE_INFINITY, -0f};
    for (DType dtype : new DType[] {DType.F32, DType.F64, DType.F16, DType.BF16}) {
      try (Tensor t = Tensor.of(dtype, values)) {
        assertArrayEquals(values, t.toFloatArray(), dtype.toString());
      }
    }
  }

  @Test
  void factoriesInferOneDimension() {
    try (Tensor f = Tensor.of(SIX);
        Tensor d = Tensor.of(new double[] {1, 2});
        Tensor b = Tensor.of(new byte[] {0, 1, 0});
        Tensor i = Tensor.of(new int[] {7, -8}, 2, 1);
        Tensor l = Tensor.of(new long[] {1L << 40})) {
      assertArrayEquals(new long[] {6}, f.shape());
      assertEquals(DType.F32, f.dtype());
      assertEquals(DType.F64, d.dtype());
      assertEquals(DType.U8, b.dtype());
      assertEquals(1, b.asByteBuffer().get(1));
      assertEquals(DType.I32, i.dtype());
      assertEquals(-8, i.asByteBuffer().asIntBuffer().get(1));
      assertEquals(DType.I64, l.dtype());
      assertEquals(1L << 40, l.asByteBuffer().asLongBuffer().get(0));
    }
  }

  @Test
  void scalarsAndEmptyTensorsAreTensors() {
    try (Tensor scalar = Tensor.zeros(DType.F64);
        Tensor empty = Tensor.zeros(DType.F32, 0, 4)) {
      assertEquals(0, scalar.rank());
      assertEquals(1, scalar.elements());
      scalar.copyFrom(new double[] {0.25});
      assertEquals(0.25, scalar.item());
      assertEquals(0, empty.elements());
      assertEquals(0, empty.toFloatArray().length);
      assertEquals(0, empty.asByteBuffer().remaining());
      empty.copyFrom(new float[0]);
    }
  }

  @Test
  void rowsAreViewsThatOutliveTheirParent() {
    Tensor parent = Tensor.of(SIX, 3, 2);
    Tensor rows = parent.rows(1, 3);
    assertArrayEquals(new long[] {2, 2}, rows.shape());
    assertEquals(parent.address() + 8, rows.address());
    parent.close();
    assertArrayEquals(new float[] {3, 4, 5, 6}, rows.toFloatArray());
    Tensor last = rows.rows(1, 2);
    rows.close();
    assertArrayEquals(new float[] {5, 6}, last.toFloatArray());
    assertEquals(24, Lossmith.liveBytes());
    last.close();
    assertEquals(0, Lossmith.liveBytes());
  }

  @Test
  void writesThroughViewsReachTheParent() {
    try (Tensor parent = Tensor.of(SIX, 3, 2);
        Tensor middle = parent.rows(1, 2)) {
      middle.copyFrom(new float[] {30, 40});
      assertArrayEquals(new float[] {1, 2, 30, 40, 5, 6}, parent.toFloatArray());
    }
  }

  @Test
  void stridedViewsReadAndWriteOnlyTheirElements() {
    try (Tensor all = Tensor.of(SIX, 2, 3);
        Tensor left =
            Tensor.wrap(
                all.address(),
                Device.cpu(),
                DType.F32,
                all,
                new long[] {2, 2},
                new long[] {3, 1})) {
      assertFalse(left.isContiguous());
      assertArrayEquals(new float[] {1, 2, 4, 5}, left.toFloatArray());
      left.copyFrom(new float[] {-1, -2, -4, -5});
      assertArrayEquals(new float[] {-1, -2, 3, -4, -5, 6}, all.toFloatArray());
      try (Tensor second = left.rows(1, 2)) {
        assertArrayEquals(new float[] {-4, -5}, second.toFloatArray());
      }
    }
  }

  @Test
  void directBuffersAreWrappedFromTheirPosition() {
    ByteBuffer buffer = ByteBuffer.allocateDirect(28).order(ByteOrder.nativeOrder());
    FloatBuffer floats = buffer.asFloatBuffer();
    floats.put(0, 99).put(1, 1).put(2, 2).put(3, 3);
    buffer.position(4);
    try (Tensor t = Tensor.wrap(buffer, DType.F32, 1, 3);
        Tensor rest = Tensor.wrap(buffer, DType.F32)) {
      assertArrayEquals(new float[] {1, 2, 3}, t.toFloatArray());
      assertArrayEquals(new long[] {6}, rest.shape());
      assertEquals(0, Lossmith.liveBytes());
      t.copyFrom(new float[] {4, 5, 6});
      assertEquals(6, floats.get(3));
      assertEquals(99, floats.get(0));
    }
  }

  @Test
  void theBufferIsTheMemory() {
    try (Tensor t = Tensor.of(SIX, 2, 3)) {
      FloatBuffer floats = t.asByteBuffer().asFloatBuffer();
      assertEquals(6, floats.remaining());
      floats.put(5, 60);
      assertEquals(60, t.toFloatArray()[5]);
    }
  }

  @Test
  void conversionsAreCopies() {
    try (Tensor t = Tensor.of(SIX, 2, 3);
        Tensor sameType = t.to(DType.F32);
        Tensor sameDevice = t.to(Device.cpu());
        Tensor wide = t.to(DType.F64)) {
      assertNotEquals(t.address(), sameType.address());
      assertNotEquals(t.address(), sameDevice.address());
      assertArrayEquals(t.toDoubleArray(), wide.toDoubleArray());
      assertArrayEquals(t.shape(), wide.shape());
      wide.copyFrom(sameType);
      assertArrayEquals(SIX, wide.toFloatArray());
    }
  }

  @ParameterizedTest
  @EnumSource(names = {"F32", "F64", "F16", "BF16"})
  void itemReadsTheOnlyElement(DType dtype) {
    try (Tensor t = Tensor.of(dtype, new float[] {3}, 1, 1)) {
      assertEquals(3, t.item());
    }
  }

  @Test
  void itemReadsIntegersToo() {
    try (Tensor i = Tensor.of(new int[] {-7});
        Tensor l = Tensor.of(new long[] {1L << 40});
        Tensor b = Tensor.of(new byte[] {(byte) 200})) {
      assertEquals(-7, i.item());
      assertEquals(0x1p40, l.item());
      assertEquals(200, b.item());
    }
  }

  @Test
  void shapesAreCopies() {
    long[] shape = {2, 3};
    try (Tensor t = Tensor.zeros(DType.F32, shape)) {
      shape[0] = 100;
      t.shape()[1] = 100;
      assertArrayEquals(new long[] {2, 3}, t.shape());
    }
  }
}
