package org.lossmith;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What tensors hold on a CUDA device, and what is kept for later ones. */
@CudaDevice.Required
class CudaMemoryTest {
  private static final long MIB = 1 << 20;

  private Device cuda;

  @BeforeEach
  void trim() {
    cuda = CudaDevice.first();
    DeviceMemory.trim(cuda);
  }

  @AfterEach
  void unlimit() {
    DeviceMemory.limit(cuda, 0);
  }

  @Test
  void closedTensorsAreKeptAndReused() {
    assertEquals(new DeviceMemory(cuda, 0, 0, peak(), 0), DeviceMemory.of(cuda));
    Tensor t = Tensor.zeros(cuda, DType.F32, MIB);
    long held = DeviceMemory.of(cuda).liveBytes();
    assertTrue(held >= 4 * MIB && held <= 5 * MIB, "held " + held);
    assertTrue(peak() >= held);
    long address = t.address();
    t.close();
    assertEquals(held, DeviceMemory.of(cuda).cachedBytes());
    try (Tensor again = Tensor.zeros(cuda, DType.F32, MIB)) {
      assertEquals(address, again.address());
      assertEquals(0, DeviceMemory.of(cuda).cachedBytes());
    }
    DeviceMemory.trim(cuda);
    assertEquals(0, DeviceMemory.of(cuda).cachedBytes());
    assertEquals(0, DeviceMemory.of(cuda).liveBytes());
  }

  private long peak() {
    return DeviceMemory.of(cuda).peakBytes();
  }

  @Test
  void beyondTheLimitThereIsNoMemory() {
    DeviceMemory.limit(cuda, 2 * MIB);
    assertEquals(2 * MIB, DeviceMemory.of(cuda).limitBytes());
    try (Tensor small = Tensor.zeros(cuda, DType.F32, MIB / 8)) {
      OutOfMemoryError e =
          assertThrows(OutOfMemoryError.class, () -> Tensor.zeros(cuda, DType.F32, MIB));
      assertTrue(e.getMessage().contains(String.valueOf(2 * MIB)), e.getMessage());
      assertTrue(e.getMessage().contains(String.valueOf(4 * MIB)), e.getMessage());
      assertEquals(1, Lossmith.liveTensors());
      small.copyFrom(new float[(int) (MIB / 8)]);
    }
    DeviceMemory.limit(cuda, 0);
    Tensor.zeros(cuda, DType.F32, MIB).close();
  }

  @Test
  void workspacesAndMemoryForTransfersDoNotCount() {
    try (Context context = Context.of(cuda);
        Tensor x = Tensor.zeros(cuda, DType.F32, 32, 8)) {
      x.copyFrom(new float[32 * 8]); // Takes the memory for transfers.
      long live = DeviceMemory.of(cuda).liveBytes();
      assertEquals(1, Lossmith.liveTensors());
      assertEquals(32 * 8 * 4, Lossmith.liveBytes());
      try (LossResult r = InfoNce.of(1).evaluate(context, x, x)) {
        assertTrue(context.workspaceBytes() > 0);
        r.loss();
      }
      assertEquals(live, DeviceMemory.of(cuda).liveBytes());
    }
  }

  @Test
  void aLoopOfTheSameSizesTakesMemoryOnce() {
    try (Context context = Context.builder().device(cuda).ownStream().build();
        Tensor x = Tensor.zeros(cuda, DType.F32, 24, 8)) {
      InfoNce loss = InfoNce.of(1);
      long held = 0;
      for (int i = 0; i < 6; i++) {
        // Closed while its work may still be queued.
        loss.evaluate(context, x, x).close();
        DeviceMemory now = DeviceMemory.of(cuda);
        long all = now.liveBytes() + now.cachedBytes();
        assertTrue(i < 2 || all == held, "grows from " + held + " to " + all);
        held = all;
      }
    }
  }

  @Test
  void theCpuKeepsNothing() {
    DeviceMemory before = DeviceMemory.of(Device.cpu());
    try (Tensor pinned = Tensor.pinned(cuda, DType.F32, 1000)) {
      assertEquals(before.liveBytes() + pinned.bytes(), DeviceMemory.of(Device.cpu()).liveBytes());
    }
    assertEquals(before.liveBytes(), DeviceMemory.of(Device.cpu()).liveBytes());
    assertEquals(0, DeviceMemory.of(Device.cpu()).cachedBytes());
    DeviceMemory.trim(Device.cpu());
  }

  @Test
  void badArgumentsAreNamed() {
    assertThrows(IllegalArgumentException.class, () -> DeviceMemory.limit(cuda, -1));
    assertThrows(IllegalArgumentException.class, () -> DeviceMemory.of(null));
    assertThrows(IllegalArgumentException.class, () -> DeviceMemory.of(Device.cuda(999)));
    assertThrows(IllegalArgumentException.class, () -> DeviceMemory.trim(Device.cuda(999)));
  }
}
