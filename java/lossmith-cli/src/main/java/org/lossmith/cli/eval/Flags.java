package org.lossmith.cli.eval;

/** The spelling of flags. */
final class Flags {
  private Flags() {}

  /** The flag of a name in the C header: {@code reference_y} is {@code --reference-y}. */
  static String of(String name) {
    return "--" + name.replace('_', '-');
  }

  /** The flag that writes the gradient of an input. */
  static String ofGradient(String name) {
    return of("grad_" + name);
  }
}
