package org.lossmith;

import java.util.Arrays;

/** Arithmetic of shapes and strides. */
final class Shapes {
  private Shapes() {}

  /** The product of the extents; 1 for none. */
  static long elements(long[] shape) {
    long product = 1;
    for (long extent : shape) {
      Checks.that(extent >= 0, "shape", "extents >= 0", Arrays.toString(shape));
      try {
        product = Math.multiplyExact(product, extent);
      } catch (ArithmeticException e) {
        throw tooLarge(shape);
      }
    }
    return product;
  }

  static long bytes(long[] shape, DType dtype) {
    try {
      return Math.multiplyExact(elements(shape), (long) dtype.bytes());
    } catch (ArithmeticException e) {
      throw tooLarge(shape);
    }
  }

  private static IllegalArgumentException tooLarge(long[] shape) {
    return new IllegalArgumentException(
        "shape: expected a size below 2^63 bytes, got " + Arrays.toString(shape));
  }

  /** The strides of C order, in elements. */
  static long[] strides(long[] shape) {
    long[] strides = new long[shape.length];
    long step = 1;
    for (int axis = shape.length - 1; axis >= 0; axis--) {
      strides[axis] = step;
      step *= shape[axis];
    }
    return strides;
  }

  /** The shape as given, or one dimension if no extents were given; must fit the array. */
  static long[] forArray(int length, long[] shape) {
    Checks.given("shape", shape);
    if (shape.length == 0) {
      return new long[] {length};
    }
    long elements = elements(shape);
    Checks.that(
        elements == length,
        "values",
        elements + " elements for shape " + Arrays.toString(shape),
        length);
    return shape;
  }

  /** Whether elements lie in C order without gaps; strides of extents 0 and 1 do not matter. */
  static boolean isContiguous(long[] shape, long[] strides) {
    long step = 1;
    for (int axis = shape.length - 1; axis >= 0; axis--) {
      if (shape[axis] == 0) {
        return true;
      }
      if (shape[axis] != 1 && strides[axis] != step) {
        return false;
      }
      step *= shape[axis];
    }
    return true;
  }
}
