package org.lossmith;

import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.extension.ConditionEvaluationResult;
import org.junit.jupiter.api.extension.ExecutionCondition;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.extension.ExtensionContext;

/** The CUDA device that tests run on, which may be a simulated one. */
final class CudaDevice {
  private CudaDevice() {}

  /**
   * Marks a class of tests that need a CUDA device. Where there is none they are skipped, with the
   * reason; with {@code -Dlossmith.test.requireCuda=true} they fail.
   */
  @Tag("gpu")
  @ExtendWith(IsThere.class)
  @Retention(RetentionPolicy.RUNTIME)
  @Target(ElementType.TYPE)
  @interface Required {}

  /** Skips tests where there is no device. */
  static final class IsThere implements ExecutionCondition {
    @Override
    public ConditionEvaluationResult evaluateExecutionCondition(ExtensionContext context) {
      boolean skip =
          Device.cudaDevices().isEmpty() && !Boolean.getBoolean("lossmith.test.requireCuda");
      return skip
          ? ConditionEvaluationResult.disabled(reason())
          : ConditionEvaluationResult.enabled("a device is there, or must be");
    }
  }

  /** The first device. */
  static Device first() {
    List<Device> found = Device.cudaDevices();
    assertFalse(found.isEmpty(), () -> "a CUDA device is required: " + reason());
    return found.get(0);
  }

  private static String reason() {
    return assertThrows(UnsupportedOperationException.class, () -> Device.cuda(0).info())
        .getMessage();
  }
}
