package org.lossmith;

/** The same on a CUDA device. */
@CudaDevice.Required
class MatrixProductCudaTest extends MatrixProductTest {
  @Override
  Device choose() {
    return CudaDevice.first();
  }
}
