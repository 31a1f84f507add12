package org.lossmith.cli.quantize;

import java.util.Locale;

/** The kinds of grids. */
enum Method {
  /** Powers of a uniform grid, symmetric. */
  POWER,
  /** A uniform grid, symmetric. */
  UNIFORM,
  /** A uniform grid from the smallest value to the largest. */
  UNIFORM_ASYMMETRIC;

  @Override
  public String toString() {
    return name().toLowerCase(Locale.ROOT).replace('_', '-');
  }
}
