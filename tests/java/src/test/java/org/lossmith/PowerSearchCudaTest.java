package org.lossmith;

/** The same on a CUDA device. */
@CudaDevice.Required
class PowerSearchCudaTest extends PowerSearchTest {
  @Override
  Device choose() {
    return CudaDevice.first();
  }
}
