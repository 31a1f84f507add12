package org.lossmith.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.junit.jupiter.api.AfterEach;
import org.lossmith.Lossmith;

/** Base of tests that use native memory: nothing stays open. */
public abstract class LeakFreeTest {
  @AfterEach
  void nothingStaysOpen() {
    assertEquals(0, Lossmith.liveTensors(), "open tensors");
    assertEquals(0, Lossmith.leaks(), "tensors lost without being closed");
  }
}
