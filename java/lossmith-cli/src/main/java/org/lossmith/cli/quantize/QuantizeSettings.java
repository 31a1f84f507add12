package org.lossmith.cli.quantize;

import java.nio.file.Path;
import java.util.List;
import org.lossmith.Groups;

/**
 * What a quantization shall do.
 *
 * @param method the kind of grid
 * @param bits of a code
 * @param exponent where exponents come from
 * @param groups which elements of a matrix share a scale
 * @param skip names that keep their elements
 * @param calibration inputs of the model, or null
 * @param report the page to write, or null
 * @param threads of the library; 0: all cores
 * @param quiet whether to tell no progress
 */
record QuantizeSettings(
    Method method,
    int bits,
    ExponentChoice exponent,
    Groups groups,
    List<NameGlob> skip,
    Path calibration,
    Path report,
    int threads,
    boolean quiet) {
  boolean skips(String name) {
    return skip.stream().anyMatch(glob -> glob.matches(name));
  }

  /** Which elements share a scale, in words. */
  String sharing() {
    if (groups.columns() > 0) {
      return "group of " + groups.columns();
    }
    return groups.axis() >= 0 ? "channel" : "tensor";
  }
}
