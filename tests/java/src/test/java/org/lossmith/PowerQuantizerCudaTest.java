package org.lossmith;

/** The same on a CUDA device. */
@CudaDevice.Required
class PowerQuantizerCudaTest extends PowerQuantizerTest {
  @Override
  Device choose() {
    return CudaDevice.first();
  }
}
