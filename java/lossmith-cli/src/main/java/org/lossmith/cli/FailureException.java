package org.lossmith.cli;

/** A failure whose message, one line, is all that the user needs; the exit code is 1. */
public final class FailureException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  /** Creates a failure that says what was expected and what came. */
  public FailureException(String message) {
    super(message);
  }

  /** Creates a failure with its cause, for the log of a debugger; only the message is shown. */
  public FailureException(String message, Throwable cause) {
    super(message, cause);
  }
}
