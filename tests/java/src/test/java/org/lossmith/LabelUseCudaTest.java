package org.lossmith;

/** The same on a CUDA device. */
@CudaDevice.Required
class LabelUseCudaTest extends LabelUseTest {
  @Override
  Device choose() {
    return CudaDevice.first();
  }
}
