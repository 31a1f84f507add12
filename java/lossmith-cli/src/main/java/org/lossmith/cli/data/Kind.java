package org.lossmith.cli.data;

/** The four families of names that the JDK's CLDR data translates. */
public enum Kind {
  COUNTRY("countries"),
  LANGUAGE("languages"),
  CURRENCY("currencies"),
  TIME_ZONE("time zones");

  private final String plural;

  Kind(String plural) {
    this.plural = plural;
  }

  /** Returns the word for several of the kind. */
  public String plural() {
    return plural;
  }
}
