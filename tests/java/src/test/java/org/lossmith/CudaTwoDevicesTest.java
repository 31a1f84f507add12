package org.lossmith;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.util.Random;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Several CUDA devices: copies between them, and that calls stay on theirs. */
@CudaDevice.Required
class CudaTwoDevicesTest {
  private final Device first = Device.cuda(0);
  private final Device second = Device.cuda(1);

  @BeforeEach
  void find() {
    CudaDevice.first();
    assumeTrue(Device.cudaDevices().size() > 1, "this machine has one GPU");
  }

  private static float[] random(int length, long seed) {
    Random random = new Random(seed);
    float[] values = new float[length];
    for (int i = 0; i < length; i++) {
      values[i] = random.nextFloat() - 0.5f;
    }
    return values;
  }

  @Test
  void tensorsGoFromOneToTheOther() {
    // More than one stage of 4 MiB.
    float[] values = random(1100 * 1000, 1);
    try (Tensor here = Tensor.of(first, DType.F32, values, 1100, 1000);
        Tensor there = here.to(second);
        Tensor back = there.to(first)) {
      assertEquals(second, there.device());
      assertArrayEquals(values, there.toFloatArray());
      assertArrayEquals(values, back.toFloatArray());
    }
  }

  @Test
  void stridesAndTypesMayDiffer() {
    long[] shape = {2, 2};
    try (Tensor all = Tensor.of(first, DType.F32, new float[] {1, 2, 3, 4, 5, 6}, 2, 3);
        Tensor left = Tensor.wrap(all.address(), first, DType.F32, all, shape, new long[] {3, 1});
        Tensor there = Tensor.zeros(second, DType.BF16, 2, 2);
        Tensor bytes = Tensor.zeros(first, DType.U8, 3);
        Tensor moved = bytes.to(second)) {
      there.copyFrom(left);
      assertArrayEquals(new float[] {1, 2, 4, 5}, there.toFloatArray());
      assertEquals(DType.U8, moved.dtype());
      assertThrows(IllegalArgumentException.class, () -> there.copyFrom(moved));
    }
  }

  @Test
  void bothComputeTheSameBits() {
    float[] values = random(30 * 8, 2);
    InfoNce loss = InfoNce.symmetric(0.3);
    try (Context a = Context.of(first);
        Context b = Context.of(second);
        Tensor x = Tensor.of(first, DType.F32, values, 30, 8);
        Tensor y = x.to(second);
        LossResult here = loss.evaluate(a, x, x);
        LossResult there = loss.evaluate(b, y, y)) {
      assertEquals(second, there.gradient("x").device());
      assertEquals(here.loss(), there.loss());
      assertArrayEquals(here.gradient("x").toFloatArray(), there.gradient("x").toFloatArray());
    }
  }

  @Test
  void tensorsOfTheOtherDeviceAreNamed() {
    try (Context context = Context.of(second);
        Tensor x = Tensor.zeros(first, DType.F32, 4, 2);
        Tensor y = Tensor.zeros(second, DType.F32, 4, 2)) {
      for (Runnable use :
          new Runnable[] {() -> InfoNce.of(1).evaluate(context, x, x), () -> context.copy(x, y)}) {
        String message = assertThrows(IllegalArgumentException.class, use::run).getMessage();
        assertTrue(message.contains("cuda:0") && message.contains("cuda:1"), message);
      }
    }
  }

  @Test
  void memoryIsCountedForEach() {
    DeviceMemory before = DeviceMemory.of(first);
    try (Tensor t = Tensor.zeros(second, DType.F32, 1000)) {
      assertEquals(before.liveBytes(), DeviceMemory.of(first).liveBytes());
      assertTrue(DeviceMemory.of(second).liveBytes() >= t.bytes());
    }
  }
}
