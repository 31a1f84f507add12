package org.lossmith.internal.base;

import org.lossmith.BudgetException;
import org.lossmith.CudaException;
import org.lossmith.CudaFatalException;
import org.lossmith.internal.LossmithNative;

/** Turns a status of the C ABI into an exception. */
public final class Status {
  private Status() {}

  /**
   * Returns if the call succeeded. Must be called by the thread that made the call, before its next
   * one: the message belongs to the thread.
   *
   * @param status what the native function returned
   */
  public static void check(int status) {
    if (status != LossmithNative.LSM_OK) {
      fail(status, LossmithNative.lsm_last_error());
    }
  }

  private static void fail(int status, String message) {
    switch (status) {
      case LossmithNative.LSM_INVALID_ARGUMENT:
        throw new IllegalArgumentException(message);
      case LossmithNative.LSM_OUT_OF_MEMORY:
        throw new OutOfMemoryError(message);
      case LossmithNative.LSM_BUDGET_TOO_SMALL:
        throw new BudgetException(message);
      case LossmithNative.LSM_UNSUPPORTED:
        throw new UnsupportedOperationException(message);
      case LossmithNative.LSM_DEVICE_ERROR:
        throw new CudaException(message);
      case LossmithNative.LSM_DEVICE_FATAL:
        throw new CudaFatalException(message);
      default:
        throw new AssertionError(
            "defect of the native library (status " + status + "): " + message);
    }
  }
}
