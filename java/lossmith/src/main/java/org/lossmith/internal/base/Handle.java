package org.lossmith.internal.base;

import java.lang.ref.Cleaner;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * A native object with a usage count. Every native call is made between {@link #acquire} and {@link
 * #release}. Closing forbids further use; the object is freed when it is closed and no call uses
 * it, by whichever thread comes last, exactly once.
 *
 * <p>The object that owns a handle is watched by a {@link Cleaner}: if it is collected before it
 * was closed, the handle is closed here and reported as a leak.
 */
public final class Handle implements Runnable {
  /** Bit of the state that says "closed"; the bits below it count the users. */
  private static final int CLOSED = Integer.MIN_VALUE;

  private static final Cleaner CLEANER = Cleaner.create();

  private final String what;
  private final long address;
  private final Runnable free;
  private final Throwable allocation;
  private final AtomicInteger state = new AtomicInteger();
  private Cleaner.Cleanable cleanable;

  /**
   * Creates a handle of an open object.
   *
   * @param what description for messages, such as "tensor"
   * @param address the native handle
   * @param free frees the native object; must not refer to the owner of this handle
   */
  public Handle(String what, long address, Runnable free) {
    this.what = what;
    this.address = address;
    this.free = free;
    this.allocation = Leaks.here();
  }

  /**
   * Makes this handle close itself when its owner is collected.
   *
   * @param owner the Java object whose only handle this is
   */
  public void watch(Object owner) {
    cleanable = CLEANER.register(owner, this);
  }

  /**
   * Begins a use.
   *
   * @return the native handle, valid until {@link #release}
   * @throws IllegalStateException if this handle is closed
   */
  public long acquire() {
    int seen;
    do {
      seen = state.get();
      if (seen < 0) {
        throw new IllegalStateException(what + ": expected an open one, got a closed one");
      }
    } while (!state.compareAndSet(seen, seen + 1));
    return address;
  }

  /** Ends a use. */
  public void release() {
    if (state.decrementAndGet() == CLOSED) {
      free.run();
    }
  }

  /**
   * Whether {@link #close} was called.
   *
   * @return true if further use is an error
   */
  public boolean isClosed() {
    return state.get() < 0;
  }

  /** Forbids further use, and frees the object unless a call uses it. Idempotent. */
  public void close() {
    if (shut() && cleanable != null) {
      cleanable.clean();
    }
  }

  /** Called by the cleaner: a handle that is still open has leaked. */
  @Override
  public void run() {
    if (!isClosed()) {
      Leaks.report(what, allocation);
      shut();
    }
  }

  private boolean shut() {
    int before = state.getAndUpdate(seen -> seen | CLOSED);
    if (before == 0) {
      free.run();
    }
    return before >= 0;
  }
}
