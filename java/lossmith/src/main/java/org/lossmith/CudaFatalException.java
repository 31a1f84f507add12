package org.lossmith;

/** A CUDA device is lost for this process: only a new process can use it again. */
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
