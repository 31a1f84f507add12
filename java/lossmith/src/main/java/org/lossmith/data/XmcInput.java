package org.lossmith.data;

import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.zip.ZipException;

/** The bytes of a file, one at a time, with line and column; and the numbers among them. */
final class XmcInput implements AutoCloseable {
  private static final int END = -1;
  private static final int BUFFER_BYTES = 1 << 16;

  /** A number in more characters than this is taken for a mistake. */
  private static final int LONGEST_NUMBER = 400;

  private final String name;
  private final InputStream stream;
  private final byte[] buffer = new byte[BUFFER_BYTES];
  private final byte[] token = new byte[LONGEST_NUMBER];
  private int next;
  private int filled;
  private long line = 1;
  private long column = 1;

  XmcInput(String name, InputStream stream) {
    this.name = name;
    this.stream = stream;
  }

  @Override
  public void close() throws IOException {
    stream.close();
  }

  /** Column of the next byte. */
  long column() {
    return column;
  }

  /** The next byte, -1 at the end of the file. */
  int peek() throws IOException {
    if (next == filled) {
      fill();
    }
    return next < filled ? buffer[next] & 0xff : END;
  }

  private void fill() throws IOException {
    try {
      next = 0;
      filled = Math.max(0, stream.read(buffer));
    } catch (ZipException | EOFException e) {
      filled = 0;
      throw error(column, "expected whole gzip data, got: " + e.getMessage());
    }
  }

  /** Goes past the next byte, which {@link #peek} has shown and which does not end the line. */
  void skip() {
    next++;
    column++;
  }

  /** Whether the line ends here. */
  boolean atEndOfLine() throws IOException {
    int c = peek();
    return c == '\n' || c == '\r' || c == END;
  }

  /** Whether the file ends here. */
  boolean atEnd() throws IOException {
    return peek() == END;
  }

  /** Goes to the next line. */
  void skipEndOfLine() throws IOException {
    if (peek() == '\r') {
      skip();
      if (peek() != '\n') {
        throw unexpected("a line feed after a carriage return");
      }
    }
    if (peek() == '\n') {
      next++;
      line++;
      column = 1;
    }
  }

  /** Goes past a byte that must be there. */
  void expect(char c, String what) throws IOException {
    if (peek() != c) {
      throw unexpected(what);
    }
    skip();
  }

  /** Reads an integer of at least 0. */
  long integer(String what) throws IOException {
    if (!isDigit(peek())) {
      throw unexpected(what);
    }
    long start = column;
    long value = 0;
    for (int c = peek(); isDigit(c); c = peek()) {
      if (value > (Long.MAX_VALUE - (c - '0')) / 10) {
        throw error(start, "expected " + what + " below 2^63, got a larger number");
      }
      value = 10 * value + (c - '0');
      skip();
    }
    return value;
  }

  /** Reads a decimal number that is finite as a float: up to a space or the end of the line. */
  float number(String what) throws IOException {
    long start = column;
    int length = 0;
    for (int c = peek(); c > ' '; c = peek()) {
      if (length == token.length) {
        throw error(start, "expected " + what + ", got more than " + length + " characters");
      }
      token[length++] = (byte) c;
      skip();
    }
    if (length == 0) {
      throw unexpected(what);
    }
    float value = XmcNumbers.parse(token, length);
    if (!(Math.abs(value) <= Float.MAX_VALUE)) {
      String got = new String(token, 0, length, StandardCharsets.ISO_8859_1);
      throw error(start, "expected " + what + ", got '" + printable(got) + "'");
    }
    return value;
  }

  /** An error at the next byte, which is not what was expected. */
  XmcFormatException unexpected(String expected) throws IOException {
    return error(column, "expected " + expected + ", got " + found());
  }

  /** An error in the line of the next byte. */
  XmcFormatException error(long atColumn, String problem) {
    return new XmcFormatException(name, line, atColumn, problem);
  }

  private String found() throws IOException {
    int c = peek();
    return switch (c) {
      case END -> "the end of the file";
      case '\n', '\r' -> "the end of the line";
      case '\t' -> "a tab";
      case ' ' -> "a space";
      default -> c > ' ' && c < 0x7f ? "'" + (char) c + "'" : String.format("byte 0x%02x", c);
    };
  }

  private static String printable(String text) {
    return text.replaceAll("[^!-~]", "?");
  }

  private static boolean isDigit(int c) {
    return c >= '0' && c <= '9';
  }
}
