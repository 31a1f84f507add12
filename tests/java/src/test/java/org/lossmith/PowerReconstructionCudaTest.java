package org.lossmith;

/** The same on a CUDA device. */
@CudaDevice.Required
class PowerReconstructionCudaTest extends PowerReconstructionTest {
  @Override
  Device choose() {
    return CudaDevice.first();
  }
}
