package org.lossmith;

import java.util.Arrays;
import java.util.Comparator;

/**
 * The true labels of every row on the Java heap: ascending, each once (with its first relevance),
 * without those of relevance 0.
 */
final class TruthRows {
  private final int[] offsets;
  private final long[] labels;
  private final double[] relevances;

  private TruthRows(int[] offsets, long[] labels, double[] relevances) {
    this.offsets = offsets;
    this.labels = labels;
    this.relevances = relevances;
  }

  static TruthRows of(LabelSets sets) {
    long[] offsets = Integers.of(sets.offsets());
    long[] ids = Integers.of(sets.ids());
    float[] values = sets.valuesOrNull() == null ? null : sets.valuesOrNull().toFloatArray();
    int[] ends = new int[offsets.length];
    long[] labels = new long[ids.length];
    double[] relevances = new double[ids.length];
    int kept = 0;
    for (int row = 0; row + 1 < offsets.length; row++) {
      Integer[] order = order(ids, (int) offsets[row], (int) offsets[row + 1]);
      long before = -1;
      for (Integer entry : order) {
        double relevance = values == null ? 1 : values[entry];
        boolean again = ids[entry] == before;
        before = ids[entry];
        if (relevance > 0 && !again) {
          labels[kept] = ids[entry];
          relevances[kept++] = relevance;
        }
      }
      ends[row + 1] = kept;
    }
    return new TruthRows(ends, Arrays.copyOf(labels, kept), Arrays.copyOf(relevances, kept));
  }

  /** The entries of a row by label; equal labels in the order in which they were given. */
  private static Integer[] order(long[] ids, int begin, int end) {
    Integer[] order = new Integer[end - begin];
    for (int i = 0; i < order.length; i++) {
      order[i] = begin + i;
    }
    Arrays.sort(order, Comparator.comparingLong(entry -> ids[entry]));
    return order;
  }

  int rows() {
    return offsets.length - 1;
  }

  int begin(int row) {
    return offsets[row];
  }

  int end(int row) {
    return offsets[row + 1];
  }

  int count(int row) {
    return offsets[row + 1] - offsets[row];
  }

  long label(int entry) {
    return labels[entry];
  }

  double relevance(int entry) {
    return relevances[entry];
  }

  /** The entry of a label in a row, negative if it is not true there. */
  int find(int row, long label) {
    return Arrays.binarySearch(labels, offsets[row], offsets[row + 1], label);
  }
}
