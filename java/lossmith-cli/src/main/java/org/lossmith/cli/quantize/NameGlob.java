package org.lossmith.cli.quantize;

import java.util.regex.Pattern;
import java.util.stream.Collectors;
import picocli.CommandLine.ITypeConverter;

/**
 * A pattern of names in which a star stands for any text, dots and slashes included, and a question
 * mark for one character.
 *
 * @param text as it was given
 * @param pattern for whole names
 */
record NameGlob(String text, Pattern pattern) {
  static NameGlob of(String text) {
    String regex =
        text.chars()
            .mapToObj(c -> c == '*' ? ".*" : c == '?' ? "." : Pattern.quote(Character.toString(c)))
            .collect(Collectors.joining());
    return new NameGlob(text, Pattern.compile(regex, Pattern.DOTALL));
  }

  boolean matches(String name) {
    return pattern.matcher(name).matches();
  }

  /** Reads a pattern from the command line. */
  static final class Converter implements ITypeConverter<NameGlob> {
    @Override
    public NameGlob convert(String text) {
      return of(text);
    }
  }
}
