package org.lossmith;

/** The same on a CUDA device. */
@CudaDevice.Required
class HotPathCudaTest extends HotPathTest {
  @Override
  Device choose() {
    return CudaDevice.first();
  }
}
