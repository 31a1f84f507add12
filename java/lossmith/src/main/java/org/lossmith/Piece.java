package org.lossmith;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * A part of a tensor that one transfer moves; its elements follow each other in C order.
 *
 * @param start the number of its first element, in C order
 * @param index where it begins
 * @param axis the axis that is cut: before it the part has one index, behind it all
 * @param extents its shape, from that axis on
 */
record Piece(long start, long[] index, int axis, long[] extents) {
  /** Cuts a shape into pieces of at most so many elements, in order; none if it has no elements. */
  static List<Piece> of(long[] shape, long most) {
    long elements = Shapes.elements(shape);
    int axis = 0;
    long inner = elements;
    while (axis < shape.length && inner > 0) {
      inner /= shape[axis];
      if (inner <= most) {
        break;
      }
      axis++;
    }
    long[] index = new long[shape.length];
    List<Piece> pieces = new ArrayList<>();
    for (long start = 0; start < elements; ) {
      long[] extents = Arrays.copyOfRange(shape, axis, shape.length);
      if (extents.length > 0) {
        extents[0] = Math.min(Math.max(1, most / inner), shape[axis] - index[axis]);
      }
      pieces.add(new Piece(start, index.clone(), axis, extents));
      start += Shapes.elements(extents);
      advance(index, shape, axis, extents);
    }
    return pieces;
  }

  private static void advance(long[] index, long[] shape, int axis, long[] extents) {
    if (extents.length > 0) {
      index[axis] += extents[0];
    }
    for (int i = axis; i > 0 && index[i] == shape[i]; i--) {
      index[i] = 0;
      index[i - 1]++;
    }
  }

  long elements() {
    return Shapes.elements(extents);
  }
}
