package org.lossmith.data;

import java.util.Arrays;

/** The ids of a row while it is read or written: which of them came twice, and where. */
final class XmcIds {
  private long[] ids = new long[16];
  private long[] columns = new long[16];
  private int count;
  private boolean ascending = true;

  void clear() {
    count = 0;
    ascending = true;
  }

  void add(long id, long column) {
    if (count == ids.length) {
      ids = Arrays.copyOf(ids, 2 * count);
      columns = Arrays.copyOf(columns, 2 * count);
    }
    ascending &= count == 0 || ids[count - 1] < id;
    ids[count] = id;
    columns[count++] = column;
  }

  int count() {
    return count;
  }

  long[] toArray() {
    return Arrays.copyOf(ids, count);
  }

  /** Index of an id that came before in the row, -1 if there is none. */
  int duplicate() {
    if (ascending) {
      return -1;
    }
    long[] sorted = toArray();
    Arrays.sort(sorted);
    for (int i = 1; i < count; i++) {
      if (sorted[i] == sorted[i - 1]) {
        return lastOf(sorted[i]);
      }
    }
    return -1;
  }

  private int lastOf(long id) {
    int at = count - 1;
    while (ids[at] != id) {
      at--;
    }
    return at;
  }

  long id(int at) {
    return ids[at];
  }

  long column(int at) {
    return columns[at];
  }
}
