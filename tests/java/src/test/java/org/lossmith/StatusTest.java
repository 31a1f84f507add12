package org.lossmith;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.lossmith.internal.LossmithNative;
import org.lossmith.internal.base.Status;

/** Every status of the C ABI is the exception that it promises. */
class StatusTest {
  static Stream<Arguments> statuses() {
    return Stream.of(
        Arguments.of(LossmithNative.LSM_INVALID_ARGUMENT, IllegalArgumentException.class),
        Arguments.of(LossmithNative.LSM_OUT_OF_MEMORY, OutOfMemoryError.class),
        Arguments.of(LossmithNative.LSM_BUDGET_TOO_SMALL, BudgetException.class),
        Arguments.of(LossmithNative.LSM_UNSUPPORTED, UnsupportedOperationException.class),
        Arguments.of(LossmithNative.LSM_DEVICE_ERROR, CudaException.class),
        Arguments.of(LossmithNative.LSM_DEVICE_FATAL, CudaFatalException.class),
        Arguments.of(LossmithNative.LSM_INTERNAL, AssertionError.class));
  }

  @ParameterizedTest
  @MethodSource("statuses")
  void aFailureIsItsException(int status, Class<? extends Throwable> type) {
    Lossmith.version();
    assertEquals(type, assertThrows(type, () -> Status.check(status)).getClass());
  }

  @Test
  void successIsNone() {
    Lossmith.version();
    Status.check(LossmithNative.LSM_OK);
  }

  @Test
  void aLostDeviceIsAFailureOfCuda() {
    assertEquals(CudaException.class, CudaFatalException.class.getSuperclass());
  }
}
