package org.lossmith.data;

import java.nio.charset.StandardCharsets;

/** Decimal numbers from and to text. */
final class XmcNumbers {
  /** Powers of ten that a double holds exactly. */
  private static final double[] POWERS = new double[23];

  /** More digits than this may not fit the 53 bits of a double. */
  private static final int EXACT_DIGITS = 15;

  /** The bits of a double below those of a float. */
  private static final long BELOW_FLOAT = (1L << 29) - 1;

  private static final long HALFWAY = 1L << 28;

  static {
    double power = 1;
    for (int i = 0; i < POWERS.length; i++) {
      POWERS[i] = power;
      power *= 10;
    }
  }

  private XmcNumbers() {}

  /**
   * The float nearest to a decimal number: digits with an optional sign, point and exponent. NaN if
   * the text is anything else, such as "nan", "inf" or "0x1p3"; infinity if the number is too
   * large.
   */
  static float parse(byte[] text, int length) {
    int at = 0;
    boolean negative = text[0] == '-';
    if (negative || text[0] == '+') {
      at++;
    }
    long digits = 0;
    int count = 0;
    int seen = 0;
    int exponent = 0;
    boolean point = false;
    for (; at < length; at++) {
      byte c = text[at];
      if (c == '.' && !point) {
        point = true;
      } else if (c >= '0' && c <= '9') {
        seen++;
        exponent -= point ? 1 : 0;
        if (count > 0 || c != '0') {
          count++;
          digits = 10 * digits + (c - '0'); // May overflow: then count is above 15 and not used.
        }
      } else {
        break;
      }
    }
    if (seen == 0 || at < length && !isExponent(text, at, length)) {
      return Float.NaN;
    }
    if (at == length && count <= EXACT_DIGITS && exponent >= 1 - POWERS.length) {
      // Both are exact, so that the quotient is the nearest double; where it does not lie halfway
      // between two floats, the float nearest to it is the float nearest to the number.
      double value = digits / POWERS[-exponent];
      if ((Double.doubleToRawLongBits(value) & BELOW_FLOAT) != HALFWAY
          && (value == 0 || value >= Float.MIN_NORMAL)) {
        return (float) (negative ? -value : value);
      }
    }
    return Float.parseFloat(new String(text, 0, length, StandardCharsets.ISO_8859_1));
  }

  private static boolean isExponent(byte[] text, int from, int length) {
    if (text[from] != 'e' && text[from] != 'E') {
      return false;
    }
    int at = from + 1;
    if (at < length && (text[at] == '-' || text[at] == '+')) {
      at++;
    }
    int first = at;
    while (at < length && text[at] >= '0' && text[at] <= '9') {
      at++;
    }
    return at == length && at > first;
  }

  /** Text that reads back to the same float. */
  static String format(float value) {
    String text = Float.toString(value);
    return text.endsWith(".0") ? text.substring(0, text.length() - 2) : text;
  }
}
