package org.lossmith.cli;

/** A combination of flags that makes no sense; the exit code is 2. */
public final class UsageException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  /** Creates a failure that names the flag, what was expected and what came. */
  public UsageException(String message) {
    super(message);
  }
}
