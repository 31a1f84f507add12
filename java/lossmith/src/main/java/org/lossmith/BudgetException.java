package org.lossmith;

/** The byte budget of a context is below what the smallest plan of a call needs. */
public final class BudgetException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  /**
   * Creates the exception.
   *
   * @param message the bytes needed and the budget
   */
  public BudgetException(String message) {
    super(message);
  }
}
