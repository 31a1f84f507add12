package org.lossmith;

import java.util.Optional;

/**
 * A set of labels for every row of a batch, in compressed rows: the labels of row i are {@code
 * ids[offsets[i]] .. ids[offsets[i + 1] - 1]}, and {@code values}, where given, says how relevant
 * each of them is. What the losses over labels take as positives, what a search leaves out, and
 * what the metrics hold for true.
 *
 * <p>Three rows, of which the second has no label:
 *
 * <pre>{@code
 * long[] offsets = {0, 2, 2, 3};
 * long[] ids = {4, 17, 9};
 * try (LabelSets positives = LabelSets.of(Device.cpu(), offsets, ids)) {
 *   positives.rows(); // 3
 * }
 * }</pre>
 *
 * <p>The order of the labels within a row is kept. How many labels there are at all is known to the
 * operation that reads the sets: it rejects labels that do not exist, and says what a label that is
 * given twice means. The tensors belong to the sets: closing the sets closes them.
 */
public final class LabelSets implements AutoCloseable {
  private final Tensor offsets;
  private final Tensor ids;
  private final Tensor values;

  private LabelSets(Tensor offsets, Tensor ids, Tensor values) {
    this.offsets = offsets;
    this.ids = ids;
    this.values = values;
  }

  /**
   * Sets of labels that are all equally relevant, with 64-bit labels.
   *
   * @param device where the tensors are to be
   * @param offsets one more than there are rows: starts at 0, never decreases, ends with the length
   *     of {@code ids}
   * @param ids labels {@code >= 0}
   * @return new sets, to be closed by the caller
   * @throws IllegalArgumentException if an argument is null, the offsets do not fit the labels, a
   *     label is negative, or there is no such device
   */
  public static LabelSets of(Device device, long[] offsets, long[] ids) {
    return of(device, offsets, ids, null);
  }

  /**
   * Sets of labels with their relevances, with 64-bit labels.
   *
   * @param device where the tensors are to be
   * @param offsets one more than there are rows: starts at 0, never decreases, ends with the length
   *     of {@code ids}
   * @param ids labels {@code >= 0}
   * @param values relevances, one finite number {@code >= 0} for each label; null: all equal
   * @return new sets, to be closed by the caller
   * @throws IllegalArgumentException if another argument is null, the offsets do not fit the
   *     labels, a label or a relevance is outside its range, their numbers differ, or there is no
   *     such device
   */
  public static LabelSets of(Device device, long[] offsets, long[] ids, float[] values) {
    Checks.given("device", device);
    Checks.given("ids", ids);
    checkOffsets(offsets, ids.length);
    for (int i = 0; i < ids.length; i++) {
      checkId(i, ids[i]);
    }
    checkValues(values, ids.length);
    return of(device, offsets, Tensor.of(ids), values);
  }

  /**
   * Sets of labels that are all equally relevant, with 32-bit labels.
   *
   * @param device where the tensors are to be
   * @param offsets one more than there are rows: starts at 0, never decreases, ends with the length
   *     of {@code ids}
   * @param ids labels {@code >= 0}
   * @return new sets, to be closed by the caller
   * @throws IllegalArgumentException if an argument is null, the offsets do not fit the labels, a
   *     label is negative, or there is no such device
   */
  public static LabelSets of(Device device, long[] offsets, int[] ids) {
    return of(device, offsets, ids, null);
  }

  /**
   * Sets of labels with their relevances, with 32-bit labels.
   *
   * @param device where the tensors are to be
   * @param offsets one more than there are rows: starts at 0, never decreases, ends with the length
   *     of {@code ids}
   * @param ids labels {@code >= 0}
   * @param values relevances, one finite number {@code >= 0} for each label; null: all equal
   * @return new sets, to be closed by the caller
   * @throws IllegalArgumentException if another argument is null, the offsets do not fit the
   *     labels, a label or a relevance is outside its range, their numbers differ, or there is no
   *     such device
   */
  public static LabelSets of(Device device, long[] offsets, int[] ids, float[] values) {
    Checks.given("device", device);
    Checks.given("ids", ids);
    checkOffsets(offsets, ids.length);
    for (int i = 0; i < ids.length; i++) {
      checkId(i, ids[i]);
    }
    checkValues(values, ids.length);
    return of(device, offsets, Tensor.of(ids), values);
  }

  /** Takes the labels over, whatever happens. */
  private static LabelSets of(Device device, long[] offsets, Tensor ids, float[] values) {
    Tensor[] made = {null, ids, null};
    try {
      made[0] = Tensor.of(offsets);
      made[2] = values == null ? null : Tensor.of(values);
      for (int i = 0; i < made.length; i++) {
        made[i] = placed(made[i], device);
      }
      return new LabelSets(made[0], made[1], made[2]);
    } catch (RuntimeException | Error e) {
      closeAll(made);
      throw e;
    }
  }

  private static Tensor placed(Tensor tensor, Device device) {
    if (tensor == null || tensor.device().equals(device)) {
      return tensor;
    }
    Tensor copy = tensor.to(device);
    tensor.close();
    return copy;
  }

  private static void checkOffsets(long[] offsets, int labels) {
    Checks.given("offsets", offsets);
    Checks.that(offsets.length > 0, "offsets", "one more than there are rows", "none");
    Checks.that(offsets[0] == 0, "offsets[0]", "0", offsets[0]);
    for (int i = 1; i < offsets.length; i++) {
      if (offsets[i] < offsets[i - 1]) {
        Checks.that(false, "offsets[" + i + "]", "at least " + offsets[i - 1], offsets[i]);
      }
    }
    int last = offsets.length - 1;
    Checks.that(
        offsets[last] == labels,
        "offsets[" + last + "]",
        "the number of ids, " + labels,
        offsets[last]);
  }

  private static void checkId(int at, long id) {
    if (id < 0) {
      Checks.that(false, "ids[" + at + "]", "a label >= 0", id);
    }
  }

  private static void checkValues(float[] values, int labels) {
    if (values == null) {
      return;
    }
    Checks.that(values.length == labels, "values", "one for each of " + labels, values.length);
    for (int i = 0; i < labels; i++) {
      if (!(values[i] >= 0 && values[i] <= Float.MAX_VALUE)) {
        Checks.that(false, "values[" + i + "]", "a finite value >= 0", values[i]);
      }
    }
  }

  /**
   * The number of rows.
   *
   * @return a count, one less than there are offsets
   */
  public long rows() {
    return offsets.size(0) - 1;
  }

  /**
   * The number of labels of all rows together.
   *
   * @return a count
   */
  public long entries() {
    return ids.size(0);
  }

  /**
   * Where the tensors are.
   *
   * @return a device
   */
  public Device device() {
    return offsets.device();
  }

  /**
   * Where the labels of each row begin, and where the last end.
   *
   * @return I64 [rows + 1]; belongs to these sets
   */
  public Tensor offsets() {
    return offsets;
  }

  /**
   * The labels, row after row.
   *
   * @return I32 or I64 [entries]; belongs to these sets
   */
  public Tensor ids() {
    return ids;
  }

  /**
   * The relevances of the labels.
   *
   * @return F32 [entries], empty if all are equal; belongs to these sets
   */
  public Optional<Tensor> values() {
    return Optional.ofNullable(values);
  }

  /** The relevances of the labels, null if all are equal; for calls that allocate nothing. */
  Tensor valuesOrNull() {
    return values;
  }

  /**
   * Whether these sets were closed.
   *
   * @return true after {@link #close}
   */
  public boolean isClosed() {
    return offsets.isClosed();
  }

  /** Closes the tensors of these sets. Idempotent. */
  @Override
  public void close() {
    closeAll(offsets, ids, values);
  }

  /** Returns rows, labels and device, for example {@code LabelSets[3 rows, 3 ids, cpu]}. */
  @Override
  public String toString() {
    return "LabelSets[" + rows() + " rows, " + entries() + " ids, " + device() + "]";
  }

  private static void closeAll(Tensor... tensors) {
    for (Tensor tensor : tensors) {
      if (tensor != null) {
        tensor.close();
      }
    }
  }
}
