package org.lossmith;

/** The same on a CUDA device. */
@CudaDevice.Required
class CwclCudaTest extends CwclTest {
  @Override
  Device choose() {
    return CudaDevice.first();
  }
}
