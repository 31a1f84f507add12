package org.lossmith.quantization;

import org.lossmith.Context;
import org.lossmith.DType;
import org.lossmith.Device;
import org.lossmith.MatrixProduct;
import org.lossmith.Tensor;
import org.lossmith.Update;

/**
 * What a layer needs to know about its inputs: sums of their products, which batches are added to
 * one after another, so that the inputs themselves are never held together.
 *
 * <p>For inputs X [m,k] they are X^T X [k,k]. Where the layers before are quantized already, the
 * layer sees other inputs X^ than the layer that it is to stand in for. Batches then come as pairs,
 * and there are three sums:
 *
 * <pre>{@code
 * X^^T X^          (X^ - X)^T X^          (X^ - X)^T (X^ - X)
 * }</pre>
 *
 * <p>from which the squared error of outputs X W^T - X^ W^^T follows without loss of digits, since
 * what is small is subtracted before it is multiplied. A convolution with g groups has such sums
 * for each group, of the k = c/g kh kw elements of a patch ({@link Patches}).
 *
 * <p>Sums are in F32, in an order that the batches decide about: the same batches give the same
 * bits. They take {@code g k k} numbers, with pairs three times as many. Not safe for use by
 * several threads.
 */
public final class SecondMoments implements AutoCloseable {
  private static final MatrixProduct ADD = new MatrixProduct(true, false, true);
  private static final Update SUBTRACT = Update.sgd(1);

  private final int groups;
  private final long columns;
  private final Tensor products;

  /** Null until a pair is added. */
  private Tensor shifts;

  private Tensor differences;
  private long rows;

  private SecondMoments(Device device, int groups, long columns) {
    Expect.that(groups >= 1, "groups", "a value >= 1", groups);
    Expect.that(columns >= 1, "columns", "a value >= 1", columns);
    this.groups = groups;
    this.columns = columns;
    products = Tensor.zeros(device, DType.F32, groups * columns, columns);
  }

  /**
   * Moments of nothing, for a linear layer.
   *
   * @param device where the layer is quantized
   * @param columns k: inputs of the layer
   * @return new moments, to be closed by the caller
   * @throws IllegalArgumentException if there are no columns
   */
  public static SecondMoments of(Device device, long columns) {
    return ofGroups(device, 1, columns);
  }

  /**
   * Moments of nothing, for a convolution.
   *
   * @param device where the layer is quantized
   * @param groups groups of the convolution
   * @param columns elements of a patch in one group
   * @return new moments, to be closed by the caller
   * @throws IllegalArgumentException if there are no groups or columns
   */
  public static SecondMoments ofGroups(Device device, int groups, long columns) {
    return new SecondMoments(Expect.given("device", device), groups, columns);
  }

  /**
   * Adds inputs that the quantized network sees as the float one does.
   *
   * @param context where to compute
   * @param x [m,k] F32, BF16 or F16
   * @throws IllegalArgumentException if the inputs do not fit, or pairs were added before
   * @throws IllegalStateException if an argument or this object is closed
   */
  public void add(Context context, Tensor x) {
    add(context, x, null);
  }

  /**
   * Adds inputs of the float network, and what the quantized one has in their place.
   *
   * @param context where to compute
   * @param x [m,k] F32, BF16 or F16: inputs of the float network
   * @param quantized [m,k] F32: the same inputs in the quantized network; null: no others
   * @throws IllegalArgumentException if the inputs do not fit, or some batches came as pairs and
   *     others did not
   * @throws IllegalStateException if an argument or this object is closed
   */
  public void add(Context context, Tensor x, Tensor quantized) {
    Expect.that(groups == 1, "groups", "1 for rows of inputs", groups);
    check("x", x);
    add(context, 0, x, quantized);
    count(x.size(0));
  }

  /** Adds the rows of one group; {@link #count} counts them when all groups have had theirs. */
  void add(Context context, int group, Tensor x, Tensor quantized) {
    Expect.given("context", context);
    check("x", x);
    boolean paired = quantized != null;
    Expect.that(
        rows == 0 || paired == (shifts != null),
        "quantized",
        shifts != null ? "a tensor, as in the batches before" : "null, as in the batches before",
        quantized);
    if (!paired) {
      try (Tensor sum = of(products, group)) {
        ADD.multiply(context, x, x, sum);
      }
      return;
    }
    check("quantized", quantized);
    if (shifts == null) {
      shifts = Tensor.zeros(products.device(), DType.F32, groups * columns, columns);
      differences = Tensor.zeros(products.device(), DType.F32, groups * columns, columns);
    }
    try (Tensor difference = Tensor.zeros(x.device(), DType.F32, x.shape());
        Tensor sum = of(products, group);
        Tensor shift = of(shifts, group);
        Tensor square = of(differences, group)) {
      SUBTRACT.step(context, x, null, quantized, null, difference, 0);
      ADD.multiply(context, quantized, quantized, sum);
      ADD.multiply(context, difference, quantized, shift);
      ADD.multiply(context, difference, difference, square);
    }
  }

  /** Counts rows that all groups have had. */
  void count(long added) {
    rows += added;
  }

  private void check(String name, Tensor inputs) {
    Expect.given(name, inputs);
    Expect.that(
        inputs.rank() == 2 && inputs.size(1) == columns, name, "[m, " + columns + "]", inputs);
  }

  private Tensor of(Tensor sums, int group) {
    return sums.rows(group * columns, (group + 1) * columns);
  }

  /**
   * How many rows were added: m.
   *
   * @return rows, the same for each group
   */
  public long rows() {
    return rows;
  }

  /**
   * The groups of the convolution.
   *
   * @return 1 for a linear layer
   */
  public int groups() {
    return groups;
  }

  /**
   * Inputs of one group.
   *
   * @return k
   */
  public long columns() {
    return columns;
  }

  /**
   * Where the sums are.
   *
   * @return a device
   */
  public Device device() {
    return products.device();
  }

  /** [g k, k]: X^^T X^ of each group. */
  Tensor products() {
    return products;
  }

  /** [g k, k]: (X^ - X)^T X^; null where X^ is X. */
  Tensor shifts() {
    return shifts;
  }

  /** [g k, k]: (X^ - X)^T (X^ - X); null where X^ is X. */
  Tensor differences() {
    return differences;
  }

  /** Frees the sums. Idempotent. */
  @Override
  public void close() {
    products.close();
    if (shifts != null) {
      shifts.close();
      differences.close();
    }
  }
}
