package org.lossmith;

/** The same on a CUDA device. */
@CudaDevice.Required
class InfoNceCudaTest extends InfoNceTest {
  @Override
  Device choose() {
    return CudaDevice.first();
  }
}
