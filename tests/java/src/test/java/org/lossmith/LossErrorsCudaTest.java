package org.lossmith;

/** The same on a CUDA device. */
@CudaDevice.Required
class LossErrorsCudaTest extends LossErrorsTest {
  @Override
  Device choose() {
    return CudaDevice.first();
  }
}
