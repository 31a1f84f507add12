package org.lossmith;

import org.junit.jupiter.api.Tag;

/** The same on a CUDA device. */
@Tag("gpu")
class LifetimeCudaTest extends LifetimeTest {
  @Override
  Device choose() {
    return CudaDevice.first();
  }
}
