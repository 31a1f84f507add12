package org.lossmith;

/**
 * A CUDA device is lost for this process, for example after an illegal access of a kernel: every
 * later call on it fails as well. The process must be restarted to use the device again; what other
 * devices and the CPU hold can still be saved.
 */
public final class CudaFatalException extends CudaException {
  private static final long serialVersionUID = 1L;

  /**
   * Creates the exception.
   *
   * @param message the failed call and the text of its error
   */
  public CudaFatalException(String message) {
    super(message);
  }
}
