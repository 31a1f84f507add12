package org.lossmith.data;

/**
 * What the first line of a file says.
 *
 * @param points number of rows, {@code >= 0}
 * @param features features are numbered from 0 to {@code features - 1}
 * @param labels labels are numbered from 0 to {@code labels - 1}
 */
public record XmcHeader(long points, long features, long labels) {
  /**
   * Checks the components.
   *
   * @param points number of rows, {@code >= 0}
   * @param features number of features, {@code >= 0}
   * @param labels number of labels, {@code >= 0}
   * @throws IllegalArgumentException if one of them is negative
   */
  public XmcHeader {
    check("points", points);
    check("features", features);
    check("labels", labels);
  }

  private static void check(String name, long value) {
    if (value < 0) {
      throw new IllegalArgumentException(name + ": expected a count >= 0, got " + value);
    }
  }
}
