package org.lossmith.cli.npy;

import java.nio.ByteBuffer;

/** Puts elements that lie in another order into C order. */
final class Gather {
  private Gather() {}

  /**
   * Copies all elements.
   *
   * @param source elements in the byte order that the buffer is set to
   * @param shape extents
   * @param fortranOrder whether the first index of the source runs fastest
   * @param size bytes of an element: 1, 2, 4 or 8
   * @param target receives the elements in C order, in the byte order that the buffer is set to
   */
  static void copy(
      ByteBuffer source, long[] shape, boolean fortranOrder, int size, ByteBuffer target) {
    int rank = shape.length;
    int[] strides = strides(shape, fortranOrder, size);
    long[] index = new long[rank];
    int at = 0;
    while (target.hasRemaining()) {
      copyElement(source, at, size, target);
      // Count up like an odometer, the last index fastest.
      for (int axis = rank - 1; axis >= 0; axis--) {
        at += strides[axis];
        if (++index[axis] < shape[axis]) {
          break;
        }
        at -= (int) shape[axis] * strides[axis];
        index[axis] = 0;
      }
    }
    target.flip();
  }

  private static int[] strides(long[] shape, boolean fortranOrder, int size) {
    int[] strides = new int[shape.length];
    int stride = size;
    for (int k = 0; k < shape.length; k++) {
      int axis = fortranOrder ? k : shape.length - 1 - k;
      strides[axis] = stride;
      stride *= (int) shape[axis];
    }
    return strides;
  }

  private static void copyElement(ByteBuffer source, int at, int size, ByteBuffer target) {
    switch (size) {
      case 1 -> target.put(source.get(at));
      case 2 -> target.putShort(source.getShort(at));
      case 4 -> target.putInt(source.getInt(at));
      case 8 -> target.putLong(source.getLong(at));
      default -> throw new IllegalArgumentException("size: expected 1, 2, 4 or 8, got " + size);
    }
  }
}
