package org.lossmith;

/** The same on a CUDA device. */
@CudaDevice.Required
class LabelErrorsCudaTest extends LabelErrorsTest {
  @Override
  Device choose() {
    return CudaDevice.first();
  }
}
