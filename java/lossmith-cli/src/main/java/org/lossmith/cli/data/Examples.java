package org.lossmith.cli.data;

import java.util.Arrays;
import java.util.zip.CRC32C;
import org.lossmith.Device;
import org.lossmith.LabelSets;

/**
 * Points with the labels that are right for them: row i has the labels {@code labels[offsets[i]]}
 * up to but without {@code labels[offsets[i + 1]]}.
 *
 * @param features the features of the points
 * @param offsets where the labels of each row begin, and the end of the last; rows + 1 numbers
 * @param labels labels in {@code [0, labelCount)}, none twice in a row
 * @param labelCount number of labels that exist
 */
public record Examples(Features features, int[] offsets, int[] labels, int labelCount) {
  /** Number of points. */
  public int rows() {
    return offsets.length - 1;
  }

  /** Number of labels of a point. */
  public int count(int row) {
    return offsets[row + 1] - offsets[row];
  }

  /** The labels of a point. */
  public int[] labels(int row) {
    return Arrays.copyOfRange(labels, offsets[row], offsets[row + 1]);
  }

  /** The labels of some points, one set for each; to be closed by the caller. */
  public LabelSets sets(Device device, int[] rows) {
    long[] starts = new long[rows.length + 1];
    for (int i = 0; i < rows.length; i++) {
      starts[i + 1] = starts[i] + count(rows[i]);
    }
    int[] ids = new int[Math.toIntExact(starts[rows.length])];
    for (int i = 0; i < rows.length; i++) {
      System.arraycopy(labels, offsets[rows[i]], ids, (int) starts[i], count(rows[i]));
    }
    return LabelSets.of(device, starts, ids);
  }

  /** How many points have each label. */
  public long[] frequencies() {
    long[] frequencies = new long[labelCount];
    for (int label : labels) {
      frequencies[label]++;
    }
    return frequencies;
  }

  /** A number that other examples hardly have. */
  public long fingerprint() {
    CRC32C sum = new CRC32C();
    add(sum, features.starts());
    add(sum, features.slots());
    if (features.values() != null) {
      for (float value : features.values()) {
        add(sum, Float.floatToRawIntBits(value));
      }
    }
    add(sum, offsets);
    add(sum, labels);
    add(sum, labelCount);
    return sum.getValue();
  }

  private static void add(CRC32C sum, int... values) {
    for (int value : values) {
      sum.update(value);
      sum.update(value >>> 8);
      sum.update(value >>> 16);
      sum.update(value >>> 24);
    }
  }
}
