package org.lossmith;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Pieces cover a shape, in order, without overlap, and are as small as asked for. */
class PieceTest {
  static Stream<long[]> shapes() {
    return Stream.of(
        new long[] {},
        new long[] {1},
        new long[] {7},
        new long[] {100},
        new long[] {3, 5},
        new long[] {50, 2},
        new long[] {2, 50},
        new long[] {1, 1, 9},
        new long[] {4, 3, 11},
        new long[] {3, 4, 2, 5},
        new long[] {13, 1, 13});
  }

  @ParameterizedTest
  @MethodSource("shapes")
  void piecesFollowEachOther(long[] shape) {
    long[] strides = Shapes.strides(shape);
    for (long most : new long[] {1, 2, 7, 10, 64, 1000}) {
      long next = 0;
      for (Piece piece : Piece.of(shape, most)) {
        assertEquals(next, piece.start(), "start of the piece");
        long offset = 0;
        for (int axis = 0; axis < shape.length; axis++) {
          offset += piece.index()[axis] * strides[axis];
        }
        assertEquals(next, offset, "place of the piece");
        assertTrue(1 <= piece.elements() && piece.elements() <= most, piece::toString);
        long[] behind = Arrays.copyOfRange(shape, piece.axis(), shape.length);
        if (behind.length > 0) {
          behind[0] = piece.extents()[0];
          assertTrue(piece.index()[piece.axis()] + behind[0] <= shape[piece.axis()]);
        }
        assertArrayEquals(behind, piece.extents());
        next += piece.elements();
      }
      assertEquals(Shapes.elements(shape), next);
    }
  }

  @Test
  void piecesAreNotSmallerThanNeeded() {
    assertEquals(1, Piece.of(new long[] {10, 10}, 100).size());
    assertEquals(4, Piece.of(new long[] {10, 10}, 30).size());
    assertEquals(2, Piece.of(new long[] {100}, 50).size());
  }

  @Test
  void emptyShapesHaveNone() {
    assertEquals(List.of(), Piece.of(new long[] {0, 5}, 10));
    assertEquals(List.of(), Piece.of(new long[] {5, 0}, 10));
    assertEquals(List.of(), Piece.of(new long[] {0}, 10));
  }
}
