package org.lossmith;

/** The same on a CUDA device. */
@CudaDevice.Required
class PowerProductCudaTest extends PowerProductTest {
  @Override
  Device choose() {
    return CudaDevice.first();
  }
}
