package org.lossmith;

/** A call of the CUDA runtime or a CUDA library failed; the context stays usable. */
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
