package org.lossmith;

import java.util.Arrays;
import org.lossmith.internal.NativeGroups;

/**
 * Which elements of a tensor share the parameters of a quantizer.
 *
 * <pre>{@code
 * per tensor    perTensor()          parameters [1]
 * per channel   perChannel(axis)     parameters [shape[axis]]
 * per group     ofColumns(columns)   the tensor a matrix, parameters [rows, ceil(width / columns)]
 * }</pre>
 *
 * <p>A channel is all elements with one index on the axis, whichever axis it is: the first of
 * weights [out,in,kh,kw], the second of activations in NCHW, the last. A group is {@code columns}
 * consecutive elements of a row, the last one of a row possibly fewer.
 *
 * @param axis -1, or the axis whose indices are channels
 * @param columns 0, or the number of consecutive columns of a matrix that make a group; then the
 *     axis is -1
 */
public record Groups(int axis, long columns) {
  /**
   * Checks the components.
   *
   * @param axis -1, or the axis whose indices are channels
   * @param columns 0, or the number of consecutive columns of a matrix that make a group; then the
   *     axis is -1
   * @throws IllegalArgumentException for a component outside its range
   */
  public Groups {
    Checks.that(axis >= -1, "axis", "-1 or a dimension", axis);
    Checks.that(columns >= 0, "columns", "a value >= 0", columns);
    Checks.that(columns == 0 || axis == -1, "axis", "-1 for groups of columns", axis);
  }

  /**
   * All elements share.
   *
   * @return groups
   */
  public static Groups perTensor() {
    return new Groups(-1, 0);
  }

  /**
   * Elements with one index on an axis share.
   *
   * @param axis number of the dimension, from 0
   * @return groups
   * @throws IllegalArgumentException for a negative number
   */
  public static Groups perChannel(int axis) {
    Checks.that(axis >= 0, "axis", "a dimension", axis);
    return new Groups(axis, 0);
  }

  /**
   * Consecutive elements of a row of a matrix share.
   *
   * @param columns how many, {@code >= 1}
   * @return groups
   * @throws IllegalArgumentException for a smaller number
   */
  public static Groups ofColumns(long columns) {
    Checks.that(columns >= 1, "columns", "a value >= 1", columns);
    return new Groups(-1, columns);
  }

  /**
   * The shape that parameters of a tensor have.
   *
   * @param tensorShape the shape of the tensor
   * @return [1], [shape[axis]] or [rows, ceil(width / columns)]
   * @throws IllegalArgumentException if the tensor has no such axis, or is no matrix where columns
   *     make groups
   */
  public long[] shape(long... tensorShape) {
    Checks.given("tensorShape", tensorShape);
    if (columns > 0) {
      Checks.that(tensorShape.length == 2, "shape", "a matrix", Arrays.toString(tensorShape));
      long width = tensorShape[1];
      return new long[] {tensorShape[0], width / columns + (width % columns == 0 ? 0 : 1)};
    }
    if (axis < 0) {
      return new long[] {1};
    }
    Checks.that(axis < tensorShape.length, "axis", "a dimension of the tensor", axis);
    return new long[] {tensorShape[axis]};
  }

  /** Writes the components into their native form. */
  void fill(NativeGroups groups) {
    groups.axis(axis).columns(columns);
  }
}
