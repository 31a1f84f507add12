package org.lossmith.cli.eval;

/**
 * A hyperparameter of an operation.
 *
 * @param name the name in the C header; the flag has {@code -} for {@code _}
 * @param type {@link Double}, {@link Long}, {@link Boolean} (a switch without value) or an enum
 * @param fallback the value where the flag is not given
 * @param description one line for the help
 */
record Parameter<T>(String name, Class<T> type, T fallback, String description) {
  static Parameter<Double> real(String name, double fallback, String description) {
    return new Parameter<>(name, Double.class, fallback, description);
  }

  static Parameter<Long> whole(String name, long fallback, String description) {
    return new Parameter<>(name, Long.class, fallback, description);
  }

  static Parameter<Boolean> toggle(String name, String description) {
    return new Parameter<>(name, Boolean.class, false, description);
  }

  static <E extends Enum<E>> Parameter<E> choice(String name, E fallback, String description) {
    return new Parameter<>(name, fallback.getDeclaringClass(), fallback, description);
  }

  /** The flag on the command line. */
  String flag() {
    return Flags.of(name);
  }
}
