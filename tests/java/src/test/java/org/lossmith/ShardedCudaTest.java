package org.lossmith;

/** The same on a CUDA device. */
@CudaDevice.Required
class ShardedCudaTest extends ShardedTest {
  @Override
  Device choose() {
    return CudaDevice.first();
  }
}
