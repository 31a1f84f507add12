package org.lossmith;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.junit.jupiter.api.extension.AfterAllCallback;
import org.junit.jupiter.api.extension.AfterEachCallback;
import org.junit.jupiter.api.extension.ExtensionContext;

/** Fails every test that leaves native memory behind; registered for all test classes. */
public final class LeakCheck implements AfterEachCallback, AfterAllCallback {
  private static long expectedLeaks;

  @Override
  public void afterEach(ExtensionContext context) {
    assertEquals(0, Lossmith.liveTensors(), "open tensors");
    assertEquals(0, Lossmith.liveBytes(), "bytes of open tensors");
    assertEquals(expectedLeaks, Lossmith.leaks(), "objects lost without being closed");
  }

  /** Contexts have no counter of their own: only a collection shows that one was lost. */
  @Override
  public void afterAll(ExtensionContext context) throws InterruptedException {
    System.gc();
    Thread.sleep(50);
    assertEquals(expectedLeaks, Lossmith.leaks(), "objects lost without being closed");
  }

  /** Says that a test has lost one object on purpose. */
  static void expectOneMoreLeak() {
    expectedLeaks++;
  }
}
