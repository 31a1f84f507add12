package org.lossmith;

/** The same on a CUDA device. */
@CudaDevice.Required
class LabelLossCudaTest extends LabelLossTest {
  @Override
  Device choose() {
    return CudaDevice.first();
  }
}
