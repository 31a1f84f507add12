package org.lossmith;

/** The same on a CUDA device. */
@CudaDevice.Required
class LabelUpdateCudaTest extends LabelUpdateTest {
  @Override
  Device choose() {
    return CudaDevice.first();
  }
}
