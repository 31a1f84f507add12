package org.lossmith;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.ByteBuffer;
import java.nio.FloatBuffer;
import java.util.Random;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Tensors on a CUDA device and in page-locked memory: making, viewing, converting, copying. */
@CudaDevice.Required
class CudaTensorTest {
  private static final float[] SIX = {1, 2, 3, 4, 5, 6};

  private static Device cuda;

  @BeforeAll
  static void find() {
    cuda = CudaDevice.first();
  }

  private static Tensor six(DType dtype) {
    return Tensor.of(cuda, dtype, SIX, 2, 3);
  }

  @ParameterizedTest
  @EnumSource
  void zerosAreZeroAlignedAndCounted(DType dtype) {
    try (Tensor t = Tensor.zeros(cuda, dtype, 3, 5);
        Tensor host = t.to(Device.cpu())) {
      assertEquals(cuda, t.device());
      assertEquals(0, t.address() % 64);
      assertEquals(2, Lossmith.liveTensors());
      assertTrue(Lossmith.liveBytes() >= 2 * t.bytes());
      assertEquals("Tensor[" + dtype + " [3, 5] " + cuda + "]", t.toString());
      assertThrows(UnsupportedOperationException.class, t::asByteBuffer);
      ByteBuffer memory = host.asByteBuffer();
      while (memory.hasRemaining()) {
        assertEquals(0, memory.get());
      }
    }
  }

  @ParameterizedTest
  @EnumSource(names = {"F32", "F64", "F16", "BF16"})
  void arraysComeBackThroughEveryFloatingType(DType dtype) {
    try (Tensor t = six(dtype)) {
      assertArrayEquals(SIX, t.toFloatArray());
      t.copyFrom(new double[] {6, 5, 4, 3, 2, 1});
      assertArrayEquals(new double[] {6, 5, 4, 3, 2, 1}, t.toDoubleArray());
      float[] target = new float[6];
      t.copyTo(target);
      assertArrayEquals(new float[] {6, 5, 4, 3, 2, 1}, target);
    }
  }

  @Test
  void arraysOfSeveralStagesComeBack() {
    // Stages are 4 MiB: two and a bit, with rows that end between them.
    int rows = 2311;
    int columns = 977;
    float[] values = new float[rows * columns];
    Random random = new Random(1);
    for (int i = 0; i < values.length; i++) {
      values[i] = random.nextFloat();
    }
    try (Tensor t = Tensor.zeros(cuda, DType.F32, rows, columns)) {
      t.copyFrom(values);
      assertArrayEquals(values, t.toFloatArray());
      try (Tensor last = t.rows(rows - 1, rows)) {
        int from = (rows - 1) * columns;
        assertEquals(values[from], last.toFloatArray()[0]);
      }
    }
  }

  @Test
  void aRowLongerThanAStageComesBack() {
    int columns = (4 << 20) / Double.BYTES + 100;
    double[] values = new Random(2).doubles(2L * columns).toArray();
    try (Tensor t = Tensor.zeros(cuda, DType.F64, 2, columns)) {
      t.copyFrom(values);
      assertArrayEquals(values, t.toDoubleArray());
    }
  }

  @Test
  void stridedViewsReadAndWriteOnlyTheirElements() {
    long[] shape = {2, 2};
    try (Tensor all = six(DType.F32);
        Tensor left = Tensor.wrap(all.address(), cuda, DType.F32, all, shape, new long[] {3, 1});
        Tensor turned =
            Tensor.wrap(all.address(), cuda, DType.F32, all, shape, new long[] {1, 3})) {
      assertFalse(left.isContiguous());
      assertArrayEquals(new float[] {1, 2, 4, 5}, left.toFloatArray());
      assertArrayEquals(new float[] {1, 4, 2, 5}, turned.toFloatArray());
      left.copyFrom(new float[] {-1, -2, -4, -5});
      assertArrayEquals(new float[] {-1, -2, 3, -4, -5, 6}, all.toFloatArray());
      turned.copyFrom(new double[] {10, 20, 30, 40});
      assertArrayEquals(new float[] {10, 30, 3, 20, 40, 6}, all.toFloatArray());
    }
  }

  @Test
  void rowsOutliveTheirParent() {
    Tensor parent = six(DType.F32);
    try (Tensor rows = parent.rows(1, 2)) {
      parent.close();
      assertArrayEquals(new float[] {4, 5, 6}, rows.toFloatArray());
      rows.copyFrom(new float[] {7, 8, 9});
      assertArrayEquals(new float[] {7, 8, 9}, rows.toFloatArray());
    }
  }

  @Test
  void conversionsRoundAsOnTheCpu() {
    float[] values = {1 + 0x1p-8f, 1 + 3 * 0x1p-8f, 1 + 0x1p-11f, Float.NaN, 1e30f, -0f, 3e-8f};
    try (Tensor host = Tensor.of(values);
        Tensor t = host.to(cuda)) {
      for (DType dtype : new DType[] {DType.F64, DType.F16, DType.BF16}) {
        try (Tensor converted = t.to(dtype);
            Tensor expected = host.to(dtype);
            Tensor crossing = Tensor.zeros(dtype, values.length)) {
          assertEquals(cuda, converted.device());
          assertArrayEquals(expected.toFloatArray(), converted.toFloatArray(), dtype.toString());
          crossing.copyFrom(t);
          assertArrayEquals(expected.toFloatArray(), crossing.toFloatArray(), dtype.toString());
        }
      }
    }
  }

  @Test
  void integersTravelAsTheyAre() {
    try (Tensor l = DeviceTest.there(cuda, Tensor.of(new long[] {1L << 40, -7}));
        Tensor b = DeviceTest.there(cuda, Tensor.of(new byte[] {0, (byte) 200}));
        Tensor back = l.to(Device.cpu());
        Tensor bytes = b.to(Device.cpu())) {
      assertEquals(1L << 40, back.asByteBuffer().asLongBuffer().get(0));
      assertEquals(-7, back.asByteBuffer().asLongBuffer().get(1));
      assertEquals((byte) 200, bytes.asByteBuffer().get(1));
      assertThrows(IllegalArgumentException.class, b::toFloatArray);
      assertThrows(IllegalArgumentException.class, () -> b.copyFrom(new float[2]));
      assertThrows(IllegalArgumentException.class, () -> b.to(DType.F32));
    }
  }

  @Test
  void itemsAreReadFromEveryType() {
    for (DType dtype : new DType[] {DType.F32, DType.F64, DType.F16, DType.BF16}) {
      try (Tensor t = DeviceTest.there(cuda, Tensor.of(dtype, new float[] {3}, 1, 1))) {
        assertEquals(3, t.item());
      }
    }
    try (Tensor i = DeviceTest.there(cuda, Tensor.of(new int[] {-7}));
        Tensor two = six(DType.F32)) {
      assertEquals(-7, i.item());
      assertThrows(IllegalArgumentException.class, two::item);
    }
  }

  @Test
  void scalarsAndEmptyTensorsAreTensors() {
    try (Tensor scalar = Tensor.zeros(cuda, DType.F64);
        Tensor empty = Tensor.zeros(cuda, DType.F32, 0, 4)) {
      scalar.copyFrom(new double[] {0.25});
      assertEquals(0.25, scalar.item());
      assertArrayEquals(new double[] {0.25}, scalar.toDoubleArray());
      assertEquals(0, empty.toFloatArray().length);
      empty.copyFrom(new float[0]);
      empty.to(Device.cpu()).close();
    }
  }

  @Test
  void lockedMemoryIsOnTheCpuAndGoesBothWaysInTheQueue() {
    try (Context context = Context.builder().device(cuda).ownStream().build();
        Tensor out = Tensor.pinned(cuda, DType.F32, 2, 3);
        Tensor in = Tensor.pinned(cuda, DType.F32, 2, 3);
        Tensor there = Tensor.zeros(cuda, DType.F32, 2, 3)) {
      assertEquals(Device.cpu(), out.device());
      assertEquals(0, out.address() % 64);
      assertEquals(3, Lossmith.liveTensors());
      FloatBuffer memory = out.asByteBuffer().asFloatBuffer();
      for (int i = 0; i < 6; i++) {
        assertEquals(0, memory.get(i));
        memory.put(i, SIX[i]);
      }
      context.copy(out, there);
      context.copy(there, in);
      context.synchronize();
      assertArrayEquals(SIX, in.toFloatArray());
      // It serves as an input on the CPU as well.
      try (Context cpu = Context.cpu();
          LossResult r = InfoNce.of(1).evaluate(cpu, in, in)) {
        assertTrue(r.loss() > 0);
      }
    }
  }

  @Test
  void aQueuedCopySeesWhatWasQueuedBefore() {
    try (Context context = Context.builder().device(cuda).ownStream().build();
        Tensor x = six(DType.F32);
        Tensor pinned = Tensor.pinned(cuda, DType.F32, 2, 3);
        Tensor narrow = Tensor.zeros(cuda, DType.BF16, 2, 3);
        LossResult r = InfoNce.of(1).evaluate(context, x, x)) {
      context.copy(r.gradient("x"), pinned);
      context.copy(x, narrow);
      context.copy(narrow, x);
      context.synchronize();
      assertArrayEquals(r.gradient("x").toFloatArray(), pinned.toFloatArray());
      assertArrayEquals(SIX, x.toFloatArray());
    }
  }

  @Test
  void copiesAreCheckedByName() {
    try (Context context = Context.of(cuda);
        Context cpu = Context.cpu();
        Tensor a = six(DType.F32);
        Tensor b = Tensor.zeros(cuda, DType.F32, 3, 2);
        Tensor i = Tensor.zeros(cuda, DType.I32, 2, 3)) {
      assertThrows(IllegalArgumentException.class, () -> context.copy(a, b));
      assertThrows(IllegalArgumentException.class, () -> context.copy(a, i));
      assertThrows(IllegalArgumentException.class, () -> context.copy(null, b));
      assertThrows(IllegalArgumentException.class, () -> cpu.copy(a, a));
      assertThrows(IllegalArgumentException.class, () -> a.copyFrom(b));
      Tensor gone = six(DType.F32);
      gone.close();
      assertThrows(IllegalStateException.class, () -> context.copy(gone, a));
      assertThrows(IllegalStateException.class, () -> context.copy(a, gone));
    }
  }

  @Test
  void memoryOfTheHostIsNoDeviceMemory() {
    ByteBuffer buffer = ByteBuffer.allocateDirect(64);
    try (Tensor host = Tensor.wrap(buffer.order(java.nio.ByteOrder.nativeOrder()), DType.F32)) {
      String message =
          assertThrows(
                  IllegalArgumentException.class,
                  () -> Tensor.wrap(host.address(), cuda, DType.F32, buffer, new long[] {4}, null))
              .getMessage();
      assertTrue(message.contains(cuda.toString()), message);
    }
    assertThrows(
        IllegalArgumentException.class, () -> Tensor.pinned(Device.cpu(), DType.F32, 2).close());
  }

  @Test
  void closedTensorsAreClosed() {
    Tensor t = six(DType.F32);
    Tensor pinned = Tensor.pinned(cuda, DType.F32, 2);
    t.close();
    t.close();
    pinned.close();
    assertThrows(IllegalStateException.class, t::toFloatArray);
    assertThrows(IllegalStateException.class, () -> t.copyFrom(SIX));
    assertThrows(IllegalStateException.class, t::item);
    assertThrows(IllegalStateException.class, () -> t.to(Device.cpu()));
    assertThrows(IllegalStateException.class, pinned::asByteBuffer);
  }
}
