package org.lossmith.quantization;

/** Argument checks; every message has the form {@code name: expected ..., got ...}. */
final class Expect {
  private Expect() {}

  static void that(boolean holds, String name, String expected, Object got) {
    if (!holds) {
      throw new IllegalArgumentException(name + ": expected " + expected + ", got " + got);
    }
  }

  static <T> T given(String name, T value) {
    if (value == null) {
      throw new IllegalArgumentException(name + ": expected a value, got null");
    }
    return value;
  }

  static void notNegative(String name, double value) {
    that(value >= 0 && value <= Double.MAX_VALUE, name, "a finite value >= 0", value);
  }
}
