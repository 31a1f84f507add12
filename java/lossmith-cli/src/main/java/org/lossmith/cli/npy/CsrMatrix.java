package org.lossmith.cli.npy;

import org.lossmith.Device;
import org.lossmith.LabelSets;

/**
 * A sparse matrix in compressed rows, as SciPy stores it: row i has the columns {@code
 * indices[indptr[i]]} up to but without {@code indices[indptr[i + 1]]}. It was checked when it was
 * read: the offsets start at 0, never decrease and end with the number of entries, the columns
 * exist, the values are finite and at least 0.
 *
 * @param rows number of rows
 * @param columns number of columns
 * @param indptr where each row begins, and the end of the last; rows + 1 numbers
 * @param indices the column of each entry
 * @param data the value of each entry
 */
public record CsrMatrix(long rows, long columns, long[] indptr, int[] indices, float[] data) {
  /** The rows as sets of labels, the values as their relevances; to be closed by the caller. */
  public LabelSets labelSets(Device device) {
    return LabelSets.of(device, indptr, indices, data);
  }
}
