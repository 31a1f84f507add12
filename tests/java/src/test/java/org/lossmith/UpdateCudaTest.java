package org.lossmith;

/** The same on a CUDA device. */
@CudaDevice.Required
class UpdateCudaTest extends UpdateTest {
  @Override
  Device choose() {
    return CudaDevice.first();
  }
}
