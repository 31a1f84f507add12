package org.lossmith;

/** The same on a CUDA device. */
@CudaDevice.Required
class PrototypesCudaTest extends PrototypesTest {
  @Override
  Device choose() {
    return CudaDevice.first();
  }
}
