package org.lossmith.data;

import java.util.Arrays;

/**
 * A point: its labels and its features. The arrays are not copied; whoever changes them changes the
 * row.
 *
 * @param labels labels, in the order of the file
 * @param features features, in the order of the file
 * @param values the value of each feature
 */
public record XmcRow(long[] labels, long[] features, float[] values) {
  /**
   * Checks the components.
   *
   * @param labels labels
   * @param features features
   * @param values as many as there are features
   * @throws IllegalArgumentException if a component is null, or there are more or fewer values than
   *     features
   */
  public XmcRow {
    check("labels", labels);
    check("features", features);
    check("values", values);
    if (values.length != features.length) {
      throw new IllegalArgumentException(
          "values: expected one for each of "
              + features.length
              + " features, got "
              + values.length);
    }
  }

  private static void check(String name, Object value) {
    if (value == null) {
      throw new IllegalArgumentException(name + ": expected a value, got null");
    }
  }

  /** Whether the other object is a row of the same labels, features and values in this order. */
  @Override
  public boolean equals(Object other) {
    return other instanceof XmcRow row
        && Arrays.equals(labels, row.labels)
        && Arrays.equals(features, row.features)
        && Arrays.equals(values, row.values);
  }

  @Override
  public int hashCode() {
    return 31 * (31 * Arrays.hashCode(labels) + Arrays.hashCode(features))
        + Arrays.hashCode(values);
  }

  /** Returns labels, features and values. */
  @Override
  public String toString() {
    return "XmcRow[labels "
        + Arrays.toString(labels)
        + ", features "
        + Arrays.toString(features)
        + ", values "
        + Arrays.toString(values)
        + "]";
  }
}
