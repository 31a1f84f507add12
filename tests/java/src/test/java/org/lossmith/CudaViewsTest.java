package org.lossmith;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.bytedeco.cuda.cudart.CUstream_st;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.FloatPointer;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.lossmith.cuda.CudaViews;

/** Memory and streams of the CUDA presets as tensors and contexts, and back. */
@CudaDevice.Required
class CudaViewsTest {
  private static final float[] SIX = {1, 2, 3, 4, 5, 6};

  private static Device cuda;

  @BeforeAll
  static void find() {
    cuda = CudaDevice.first();
  }

  @Test
  void pointersAndTensorsShareMemory() {
    try (Tensor t = DeviceTest.there(cuda, Tensor.of(SIX, 2, 3));
        BytePointer bytes = CudaViews.pointer(t);
        FloatPointer floats = new FloatPointer(bytes)) {
      assertEquals(t.address(), bytes.address());
      assertEquals(24, bytes.limit());
      floats.capacity(6); // JavaCPP takes over the count of bytes.
      try (Tensor whole = CudaViews.tensor(floats, cuda, DType.F32, 3, 2);
          Tensor tail = CudaViews.tensor(floats.position(4), cuda, DType.F32, 2);
          Tensor column =
              CudaViews.tensor(
                  floats.position(0), cuda, DType.F32, new long[] {2}, new long[] {3})) {
        assertArrayEquals(SIX, whole.toFloatArray());
        assertArrayEquals(new float[] {5, 6}, tail.toFloatArray());
        assertArrayEquals(new float[] {1, 4}, column.toFloatArray());
        tail.copyFrom(new float[] {50, 60});
        assertArrayEquals(new float[] {1, 2, 3, 4, 50, 60}, t.toFloatArray());
        floats.position(4);
        String message =
            assertThrows(
                    IllegalArgumentException.class,
                    () -> CudaViews.tensor(floats, cuda, DType.F32, 3))
                .getMessage();
        assertEquals("memory: expected at least 12 bytes for shape [3], got 8 bytes", message);
      }
    }
  }

  @Test
  void contextsRunOnStreamsOfOthers() {
    try (Context owner = Context.builder().device(cuda).ownStream().build()) {
      CUstream_st stream = CudaViews.stream(owner);
      assertEquals(owner.stream(), stream.address());
      assertNotEquals(0, stream.address());
      try (Context guest = CudaViews.context(stream, cuda);
          Context small = CudaViews.contextBuilder(stream, cuda).budget(8 << 20).build();
          Tensor x = DeviceTest.there(cuda, Tensor.of(SIX, 3, 2));
          LossResult a = InfoNce.of(1).evaluate(owner, x, x);
          LossResult b = InfoNce.of(1).evaluate(guest, x, x);
          LossResult c = InfoNce.of(1).evaluate(small, x, x)) {
        assertEquals(owner.stream(), guest.stream());
        assertEquals(8 << 20, small.budget());
        assertEquals(a.loss(), b.loss());
        assertEquals(a.loss(), c.loss());
      }
    }
    try (Context context = CudaViews.context(null, cuda)) {
      assertEquals(0, context.stream());
      assertTrue(CudaViews.stream(context).isNull());
    }
  }

  @Test
  void closedTensorsAndContextsHaveNoViews() {
    Tensor t = Tensor.zeros(cuda, DType.F32, 2);
    t.close();
    assertThrows(IllegalStateException.class, () -> CudaViews.pointer(t));
    Context context = Context.of(cuda);
    context.close();
    assertThrows(IllegalStateException.class, () -> CudaViews.stream(context));
  }
}
