package org.lossmith.cli.quantize;

import java.util.Locale;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/**
 * Where exponents come from: a number, or a search.
 *
 * @param kind which
 * @param value the number; NaN for a search
 */
record ExponentChoice(Kind kind, double value) {
  /** How many exponents a search finds. */
  enum Kind {
    /** None: it is given. */
    GIVEN,
    /** One for each tensor. */
    TENSOR,
    /** One for each scale. */
    CHANNEL,
    /** One for all tensors. */
    NETWORK
  }

  private static final double LOWEST = 0.01;
  private static final double HIGHEST = 16;

  /** Reads the choice from the command line. */
  static final class Converter implements ITypeConverter<ExponentChoice> {
    @Override
    public ExponentChoice convert(String text) {
      switch (text.toLowerCase(Locale.ROOT)) {
        case "search-tensor":
          return new ExponentChoice(Kind.TENSOR, Double.NaN);
        case "search-channel":
          return new ExponentChoice(Kind.CHANNEL, Double.NaN);
        case "search-network":
          return new ExponentChoice(Kind.NETWORK, Double.NaN);
        default:
          break;
      }
      try {
        double value = Double.parseDouble(text);
        if (value >= LOWEST && value <= HIGHEST) {
          return new ExponentChoice(Kind.GIVEN, value);
        }
      } catch (NumberFormatException e) {
        // Told below.
      }
      throw new TypeConversionException(
          "expected search-tensor, search-channel, search-network or a number from 0.01 to 16,"
              + " got '"
              + text
              + "'");
    }
  }

  @Override
  public String toString() {
    return kind == Kind.GIVEN
        ? Double.toString(value)
        : "search-" + kind.name().toLowerCase(Locale.ROOT);
  }
}
