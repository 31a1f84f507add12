package org.lossmith;

/**
 * The block of the whole n x m matrix of scores that one process or device computes: some rows of x
 * against some rows of y.
 *
 * @param rowOffset index of the shard's first row of x in the whole batch
 * @param columnOffset index of the shard's first row of y among all candidates
 * @param rows rows of the whole batch, n
 * @param columns candidates in all, m {@code >=} n
 */
public record Shard(long rowOffset, long columnOffset, long rows, long columns) {
  /**
   * Checks the components.
   *
   * @param rowOffset index of the shard's first row of x in the whole batch
   * @param columnOffset index of the shard's first row of y among all candidates
   * @param rows rows of the whole batch, n
   * @param columns candidates in all, m {@code >=} n
   * @throws IllegalArgumentException for a negative component, an offset beyond the end, or fewer
   *     columns than rows
   */
  public Shard {
    Checks.that(rows >= 0, "rows", ">= 0", rows);
    Checks.that(columns >= rows, "columns", ">= rows = " + rows, columns);
    Checks.that(0 <= rowOffset && rowOffset <= rows, "rowOffset", "0 to " + rows, rowOffset);
    Checks.that(
        0 <= columnOffset && columnOffset <= columns,
        "columnOffset",
        "0 to " + columns,
        columnOffset);
  }
}
