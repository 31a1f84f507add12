package org.lossmith;

/** The same on a CUDA device. */
@CudaDevice.Required
class LifetimeCudaTest extends LifetimeTest {
  @Override
  Device choose() {
    return CudaDevice.first();
  }
}
