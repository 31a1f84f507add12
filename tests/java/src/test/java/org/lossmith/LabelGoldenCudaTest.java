package org.lossmith;

/** The same on a CUDA device. */
@CudaDevice.Required
class LabelGoldenCudaTest extends LabelGoldenTest {
  @Override
  Device choose() {
    return CudaDevice.first();
  }
}
