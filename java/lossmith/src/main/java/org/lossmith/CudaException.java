package org.lossmith;

/**
 * A call of the CUDA runtime or of a CUDA library failed. The context stays usable, unless this is
 * a {@link CudaFatalException}.
 */
public class CudaException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  /**
   * Creates the exception.
   *
   * @param message the failed call and the text of its error
   */
  public CudaException(String message) {
    super(message);
  }
}
