package org.lossmith;

import org.junit.jupiter.api.Tag;

/** The same on a CUDA device. */
@Tag("gpu")
class InfoNceCudaTest extends InfoNceTest {
  @Override
  Device choose() {
    return CudaDevice.first();
  }
}
