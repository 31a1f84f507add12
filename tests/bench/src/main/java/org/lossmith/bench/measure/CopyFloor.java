package org.lossmith.bench.measure;

import org.lossmith.Context;

/** The memory floor: a copy of a block far larger than the caches. */
public final class CopyFloor implements Contestant {
  /** Bytes read plus bytes written in one round. */
  public static final long BYTES = 256L << 20;

  private final Context context;

  /** A copy on the threads of a context. */
  public CopyFloor(Context context) {
    this.context = context;
  }

  @Override
  public String name() {
    return "floor copy";
  }

  @Override
  public double round() {
    return BYTES / context.measureCopy(BYTES, 1);
  }
}
