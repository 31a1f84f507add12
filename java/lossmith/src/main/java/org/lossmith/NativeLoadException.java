package org.lossmith;

import java.util.Optional;

/** The native libraries could not be loaded. The message tells what to add to the build. */
public final class NativeLoadException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  /** The platform of this JVM. */
  private final String platform;

  /** The classifier of the jar looked for. */
  private final String classifier;

  /** The library that the system's loader missed, or null. */
  private final String missingLibrary;

  /** The dependency to add. */
  private final String mavenLines;

  /**
   * Creates the exception.
   *
   * @param reason what went wrong, in a sentence
   * @param platform the platform of this JVM, such as {@code linux-x86_64}
   * @param classifier the classifier of the jar looked for
   * @param missingLibrary the library that the system's loader did not find, or null if all were
   *     found
   * @param mavenLines the Maven dependency to add; empty if none would help
   * @param cause the error of the loader
   */
  public NativeLoadException(
      String reason,
      String platform,
      String classifier,
      String missingLibrary,
      String mavenLines,
      Throwable cause) {
    super(mavenLines.isEmpty() ? reason : reason + System.lineSeparator() + mavenLines, cause);
    this.platform = platform;
    this.classifier = classifier;
    this.missingLibrary = missingLibrary;
    this.mavenLines = mavenLines;
  }

  /**
   * The platform of this JVM.
   *
   * @return for example {@code linux-x86_64}
   */
  public String platform() {
    return platform;
  }

  /**
   * The classifier of the jar looked for.
   *
   * @return for example {@code linux-x86_64}
   */
  public String classifier() {
    return classifier;
  }

  /**
   * The library that the system's loader did not find.
   *
   * @return its file name, empty if the failure was another
   */
  public Optional<String> missingLibrary() {
    return Optional.ofNullable(missingLibrary);
  }

  /**
   * The dependency to add.
   *
   * @return lines for a {@code pom.xml}; empty if no dependency is missing
   */
  public String mavenLines() {
    return mavenLines;
  }
}
