package org.lossmith;

/** The same on a CUDA device. */
@CudaDevice.Required
class SoftTopKOperatorCudaTest extends SoftTopKOperatorTest {
  @Override
  Device choose() {
    return CudaDevice.first();
  }
}
