package org.lossmith.quantization;

import java.nio.FloatBuffer;
import org.lossmith.Context;
import org.lossmith.DType;
import org.lossmith.Tensor;

/**
 * Patches that wait until there are enough of them for products of a good size: those of each group
 * in a tensor of their own rows.
 */
final class PatchBlock implements AutoCloseable {
  private final Context context;
  private final SecondMoments moments;
  private final int capacity;
  private final Tensor block;
  private final Tensor quantizedBlock;
  private final FloatBuffer floats;
  private final FloatBuffer quantizedFloats;
  private int waiting;

  PatchBlock(Context context, SecondMoments moments, int capacity, boolean paired) {
    this.context = context;
    this.moments = moments;
    this.capacity = capacity;
    long rows = (long) moments.groups() * capacity;
    block = Tensor.zeros(DType.F32, rows, moments.columns());
    quantizedBlock = paired ? Tensor.zeros(DType.F32, rows, moments.columns()) : null;
    floats = Patches.floats(block);
    quantizedFloats = paired ? Patches.floats(quantizedBlock) : null;
  }

  /** Rows that the moments have not counted yet. */
  int waiting() {
    return waiting;
  }

  /** Adds the patches at some positions of the image that the readers have taken up. */
  void add(PatchReader reader, PatchReader quantized, int[] positions) {
    for (int from = 0; from < positions.length; ) {
      int to = Math.min(positions.length, from + capacity - waiting);
      for (int group = 0; group < moments.groups(); group++) {
        reader.unfold(group, positions, from, to, place(floats, group));
        if (quantized != null) {
          quantized.unfold(group, positions, from, to, place(quantizedFloats, group));
        }
      }
      waiting += to - from;
      from = to;
      if (waiting == capacity) {
        flush();
      }
    }
  }

  private FloatBuffer place(FloatBuffer memory, int group) {
    long row = (long) group * capacity + waiting;
    return memory.position(Math.toIntExact(row * moments.columns()));
  }

  /** Adds what waits to the moments. */
  void flush() {
    if (waiting == 0) {
      return;
    }
    for (int group = 0; group < moments.groups(); group++) {
      try (Tensor x = there(block, group);
          Tensor quantized = quantizedBlock == null ? null : there(quantizedBlock, group)) {
        moments.add(context, group, x, quantized);
      }
    }
    moments.count(waiting);
    waiting = 0;
  }

  /** What waits of a group, on the device of the moments. */
  private Tensor there(Tensor tensor, int group) {
    long from = (long) group * capacity;
    Tensor rows = tensor.rows(from, from + waiting);
    if (moments.device().equals(rows.device())) {
      return rows;
    }
    try (rows) {
      return rows.to(moments.device());
    }
  }

  @Override
  public void close() {
    block.close();
    if (quantizedBlock != null) {
      quantizedBlock.close();
    }
  }
}
