package org.lossmith;

/** The same on a CUDA device. */
@CudaDevice.Required
class TopKCudaTest extends TopKTest {
  @Override
  Device choose() {
    return CudaDevice.first();
  }
}
