package org.lossmith.data;

import java.io.IOException;

/**
 * A file that is not in the format. The message has the form {@code file:line:column: expected ...,
 * got ...}.
 */
public final class XmcFormatException extends IOException {
  private static final long serialVersionUID = 1L;

  /** The line of the error, from 1. */
  private final long line;

  /** The byte of that line, from 1. */
  private final long column;

  /**
   * Creates an exception.
   *
   * @param file the name of the file
   * @param line number of the line, from 1
   * @param column number of the byte in the line, from 1
   * @param problem what was expected and what came
   */
  public XmcFormatException(String file, long line, long column, String problem) {
    super(file + ":" + line + ":" + column + ": " + problem);
    this.line = line;
    this.column = column;
  }

  /**
   * The line of the error.
   *
   * @return a number from 1
   */
  public long line() {
    return line;
  }

  /**
   * The column of the error.
   *
   * @return the number of a byte in its line, from 1
   */
  public long column() {
    return column;
  }
}
