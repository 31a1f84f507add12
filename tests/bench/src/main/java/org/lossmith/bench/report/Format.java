package org.lossmith.bench.report;

import java.util.Locale;

/** Numbers for people: three to four significant digits and a unit. */
public final class Format {
  private Format() {}

  /** A plain number. */
  public static String number(double value) {
    double size = Math.abs(value);
    String pattern = size >= 100 ? "%.0f" : size >= 10 ? "%.1f" : size >= 0.01 ? "%.2f" : "%.2g";
    return size == 0 ? "0" : String.format(Locale.ROOT, pattern, value);
  }

  /** Seconds, in a unit that fits. */
  public static String seconds(double seconds) {
    if (seconds < 1e-3) {
      return number(seconds * 1e6) + " us";
    }
    return seconds < 1 ? number(seconds * 1e3) + " ms" : number(seconds) + " s";
  }

  /** Bytes in MiB. */
  public static String mebibytes(Long bytes) {
    return bytes == null ? "" : number(bytes / (double) (1 << 20)) + " MiB";
  }

  /** Operations per second in GFLOP/s. */
  public static String gigaflops(Double rate) {
    return rate == null ? "" : number(rate * 1e-9);
  }

  /** Empty for null. */
  public static String optional(Double value) {
    return value == null ? "" : number(value);
  }
}
