package org.lossmith;

import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.util.List;

/**
 * The CUDA device that tests tagged {@code gpu} run on. Where there is none they are skipped, with
 * the reason; with {@code -Dlossmith.test.requireCuda=true} they fail.
 */
final class CudaDevice {
  private CudaDevice() {}

  static Device first() {
    List<Device> found = Device.cudaDevices();
    if (found.isEmpty()) {
      String reason = reason();
      assertFalse(Boolean.getBoolean("lossmith.test.requireCuda"), reason);
      assumeTrue(false, reason);
    }
    return found.get(0);
  }

  private static String reason() {
    return assertThrows(UnsupportedOperationException.class, () -> Device.cuda(0).info())
        .getMessage();
  }
}
