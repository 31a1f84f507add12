package org.lossmith.cli;

import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/** Numbers of bytes as people write them: 65536, 64K, 64M, 1.5G (powers of 1024). */
public final class ByteSize implements ITypeConverter<Long> {
  private static final Pattern SIZE =
      Pattern.compile("(\\d+(?:\\.\\d+)?)\\s*([KMGT]?)(?:I?B)?", Pattern.CASE_INSENSITIVE);
  private static final String UNITS = "KMGT";

  @Override
  public Long convert(String text) {
    Matcher size = SIZE.matcher(text.strip());
    if (!size.matches()) {
      throw new TypeConversionException(
          "expected bytes with an optional suffix K, M, G or T, got '" + text + "'");
    }
    int power = size.group(2).isEmpty() ? 0 : 1 + unit(size.group(2));
    double bytes = Double.parseDouble(size.group(1)) * Math.pow(1024, power);
    if (bytes < 1 || bytes > Long.MAX_VALUE) {
      throw new TypeConversionException("expected between 1 byte and 8191P, got '" + text + "'");
    }
    return Math.round(bytes);
  }

  /** Writes bytes with three significant digits, for example "64.0 MiB". */
  public static String format(double bytes) {
    double value = bytes;
    int unit = -1;
    while (value >= 1024 && unit < UNITS.length() - 1) {
      value /= 1024;
      unit++;
    }
    if (unit < 0) {
      return String.format(Locale.ROOT, "%.0f B", value);
    }
    int decimals = value < 10 ? 2 : value < 100 ? 1 : 0;
    return String.format(Locale.ROOT, "%." + decimals + "f %siB", value, UNITS.charAt(unit));
  }

  private static int unit(String letter) {
    return UNITS.indexOf(letter.toUpperCase(Locale.ROOT));
  }
}
