package org.lossmith;

import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.TestInstance;

/**
 * Tests of what holds on every device. They run on the CPU; the subclass of the same name with
 * {@code Cuda} runs them on a CUDA device.
 */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
abstract class DeviceTest {
  private Device device;

  /** The device of all tensors and contexts of the test. */
  Device device() {
    return device;
  }

  /** Which device; asked once for each class. A subclass skips all tests where there is none. */
  Device choose() {
    return Device.cpu();
  }

  @BeforeAll
  final void chooseDevice() {
    device = choose();
  }

  @AfterAll
  final void forgetDevice() {
    device = null;
  }

  /** How often to do something: far less often on a simulated device, which is slow. */
  static int times(int often, int simulated) {
    return Boolean.getBoolean("lossmith.test.simulated") ? simulated : often;
  }

  /** Moves a tensor to the device of the test. */
  Tensor there(Tensor tensor) {
    return there(device, tensor);
  }

  static Tensor there(Device device, Tensor tensor) {
    if (device.equals(tensor.device())) {
      return tensor;
    }
    try (tensor) {
      return tensor.to(device);
    }
  }
}
