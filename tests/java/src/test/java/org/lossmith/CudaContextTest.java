package org.lossmith;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** Contexts on a CUDA device: settings, streams, and when a value may be read. */
@CudaDevice.Required
class CudaContextTest {
  private static Device cuda;

  @BeforeAll
  static void find() {
    cuda = CudaDevice.first();
  }

  private static Tensor random(int rows, int columns, long seed) {
    double[] values = new Random(seed).doubles((long) rows * columns, -1, 1).toArray();
    Tensor t = Tensor.zeros(cuda, DType.F32, rows, columns);
    return Transfers.filled(t, f -> f.copyFrom(values));
  }

  @Test
  void defaultsAreTheDefaultStreamAndOneGibibyte() {
    try (Context context = Context.of(cuda)) {
      assertEquals(cuda, context.device());
      assertEquals(1L << 30, context.budget());
      assertEquals(Context.DEFAULT_CUDA_BUDGET, context.budget());
      assertEquals(0, context.stream());
      assertTrue(context.threads() >= 1);
      context.synchronize();
    }
  }

  @Test
  void everyDeviceIsDescribed() {
    List<Device> all = Device.cudaDevices();
    for (int i = 0; i < all.size(); i++) {
      DeviceInfo info = all.get(i).info();
      assertEquals(Device.cuda(i), info.device());
      assertTrue(!info.name().isBlank() && info.memoryBytes() > 0, info::toString);
      assertTrue(info.capabilityMajor() >= 5 && info.multiprocessors() > 0, info::toString);
      assertTrue(Lossmith.describe().contains(info.name()), Lossmith::describe);
    }
    Device beyond = Device.cuda(all.size());
    for (String part : List.of(cuda.toString(), beyond.toString())) {
      String message =
          assertThrows(IllegalArgumentException.class, () -> Context.of(beyond)).getMessage();
      assertTrue(message.startsWith("device: expected ") && message.contains(part), message);
    }
    assertThrows(IllegalArgumentException.class, beyond::info);
    assertThrows(IllegalArgumentException.class, () -> Tensor.zeros(beyond, DType.F32, 1));
  }

  @Test
  void ownAndForeignStreams() {
    try (Context first = Context.builder().device(cuda).ownStream().build();
        Context second = Context.builder().device(cuda).ownStream().build();
        Context guest = Context.builder().device(cuda).stream(first.stream()).build()) {
      assertNotEquals(0, first.stream());
      assertNotEquals(first.stream(), second.stream());
      assertEquals(first.stream(), guest.stream());
      Context.Builder both = Context.builder().device(cuda).stream(first.stream()).ownStream();
      assertThrows(IllegalArgumentException.class, both::build);
    }
  }

  @Test
  void streamsMeanNothingOnTheCpu() {
    try (Context context = Context.builder().ownStream().tf32(true).build()) {
      assertEquals(0, context.stream());
    }
  }

  @Test
  void aLossIsReadWhenItIsDoneWhateverTheStream() {
    try (Context plain = Context.of(cuda);
        Context own = Context.builder().device(cuda).ownStream().build();
        Context guest = Context.builder().device(cuda).stream(own.stream()).build();
        Tensor x = random(40, 24, 1);
        Tensor y = random(40, 24, 2)) {
      InfoNce loss = InfoNce.symmetric(0.2);
      try (LossResult expected = loss.evaluate(plain, x, y)) {
        float[] gradient = expected.gradient("x").toFloatArray();
        for (Context context : List.of(own, guest)) {
          try (LossResult r = loss.evaluate(context, x, y)) {
            assertEquals(expected.loss(), r.loss());
            assertArrayEquals(gradient, r.gradient("x").toFloatArray());
          }
        }
      }
    }
  }

  @Test
  void aResultIsReadableAfterItsContextWasClosed() {
    try (Tensor x = random(20, 8, 3)) {
      Context context = Context.builder().device(cuda).ownStream().build();
      try (LossResult r = InfoNce.of(1).evaluate(context, x, x)) {
        double before = r.loss();
        context.close();
        assertEquals(before, r.loss());
        assertEquals(before, r.lossTensor().item());
      }
    }
  }

  @Test
  void aResultThatWasNeverComputedIsZero() {
    try (Tensor x = random(4, 2, 4);
        LossResult r = InfoNce.of(1).result(ContrastiveInputs.of(x, x), "x")) {
      assertEquals(0, r.loss());
    }
  }

  @Test
  void cpuAndGpuAgree() {
    try (Context cpu = Context.cpu();
        Context gpu = Context.of(cuda);
        Tensor x = random(70, 33, 5);
        Tensor y = random(90, 33, 6);
        Tensor hostX = x.to(Device.cpu());
        Tensor hostY = y.to(Device.cpu());
        LossResult a = InfoNce.symmetric(0.1).evaluate(cpu, hostX, hostY);
        LossResult b = InfoNce.symmetric(0.1).evaluate(gpu, x, y)) {
      assertEquals(a.loss(), b.loss(), 1e-5);
      assertArrayEquals(a.gradient("y").toFloatArray(), b.gradient("y").toFloatArray(), 1e-4f);
    }
  }

  @Test
  void tf32IsAllowedOnlyWhereAskedFor() {
    try (Context exact = Context.of(cuda);
        Context rounding = Context.builder().device(cuda).tf32(true).build();
        Tensor x = random(48, 40, 7);
        LossResult a = InfoNce.of(0.5).evaluate(exact, x, x);
        LossResult b = InfoNce.of(0.5).evaluate(rounding, x, x)) {
      assertEquals(a.loss(), b.loss(), 2e-2);
    }
  }

  @Test
  void inputsOfAnotherDeviceAreNamed() {
    try (Context cpu = Context.cpu();
        Context gpu = Context.of(cuda);
        Tensor x = random(4, 2, 8);
        Tensor host = x.to(Device.cpu())) {
      names("x", () -> InfoNce.of(1).evaluate(gpu, host, host));
      names("x", () -> InfoNce.of(1).evaluate(cpu, x, x));
      names("y", () -> InfoNce.of(1).evaluate(gpu, x, host));
    }
  }

  private static void names(String name, org.junit.jupiter.api.function.Executable use) {
    String message = assertThrows(IllegalArgumentException.class, use).getMessage();
    assertTrue(message.startsWith(name + ": expected "), message);
    assertTrue(message.contains("cpu") && message.contains("cuda:0"), message);
  }

  @Test
  void measuresTheDevice() {
    try (Context context = Context.of(cuda)) {
      assertTrue(context.measureGemm(DType.F32, 32, 32, 32, 1) > 0);
      assertTrue(context.measureCopy(1 << 16, 1) > 0);
    }
  }

  @Test
  void closeIsIdempotentAndFinal() {
    Context context = Context.of(cuda);
    context.close();
    context.close();
    assertThrows(IllegalStateException.class, context::stream);
    assertThrows(IllegalStateException.class, context::synchronize);
  }
}
