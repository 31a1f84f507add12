package org.lossmith;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;

/** Contexts: defaults, settings, and what a closed one does. */
class ContextTest {
  @Test
  void defaultsAreTheCpuWithAllThreadsAndFiftySixMebibytes() {
    try (Context context = Context.cpu()) {
      assertEquals(Device.cpu(), context.device());
      assertTrue(context.threads() >= 1);
      assertEquals(56L << 20, context.budget());
      assertEquals(Context.DEFAULT_BUDGET, context.budget());
      context.synchronize();
    }
  }

  @Test
  void builderSetsThreadsAndBudget() {
    try (Context context = Context.builder().threads(1).budget(1 << 20).build()) {
      assertEquals(1, context.threads());
      assertEquals(1 << 20, context.budget());
      context.budget(2 << 20);
      assertEquals(2 << 20, context.budget());
      assertTrue(context.toString().contains("budget 2097152 bytes"), context.toString());
    }
  }

  @Test
  void measuresTheMachine() {
    try (Context context = Context.cpu()) {
      assertTrue(context.measureGemm(DType.F32, 64, 64, 64, 3) > 0);
      assertTrue(context.measureCopy(1 << 16, 3) > 0);
    }
  }

  @Test
  void closeIsIdempotentAndFinal() {
    Context context = Context.cpu();
    assertFalse(context.isClosed());
    context.close();
    context.close();
    assertTrue(context.isClosed());
    closed(() -> context.budget(1));
    closed(context::workspaceBytes);
    closed(context::synchronize);
    closed(() -> context.measureCopy(64, 1));
    closed(() -> context.measureGemm(DType.F32, 1, 1, 1, 1));
  }

  private static void closed(Executable use) {
    IllegalStateException e = assertThrows(IllegalStateException.class, use);
    assertEquals("context: expected an open one, got a closed one", e.getMessage());
  }

  @Test
  void badSettingsAreNamed() {
    bad("threads: expected 0 to 1024, got -1", () -> Context.builder().threads(-1));
    bad("threads: expected 0 to 1024, got 1025", () -> Context.builder().threads(1025));
    bad("budget: expected >= 0 bytes, got -5", () -> Context.builder().budget(-5));
    bad("device: expected a value, got null", () -> Context.builder().device(null));
    try (Context context = Context.cpu()) {
      bad("budget: expected > 0 bytes, got 0", () -> context.budget(0));
      bad("dtype: expected a value, got null", () -> context.measureGemm(null, 1, 1, 1, 1));
      assertThrows(
          IllegalArgumentException.class, () -> context.measureGemm(DType.F32, 0, 1, 1, 1));
      assertThrows(IllegalArgumentException.class, () -> context.measureCopy(-1, 1));
    }
  }

  @Test
  void aDeviceThatThisMachineLacksIsUnsupported() {
    assumeTrue(Device.cudaDevices().isEmpty(), "this machine has a GPU");
    assertThrows(UnsupportedOperationException.class, () -> Context.of(Device.cuda(0)));
  }

  private static void bad(String message, Executable use) {
    assertEquals(message, assertThrows(IllegalArgumentException.class, use).getMessage());
  }
}
