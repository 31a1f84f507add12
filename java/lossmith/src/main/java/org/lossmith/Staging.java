package org.lossmith;

import java.lang.ref.Reference;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/**
 * Page-locked host memory through which Java arrays and a CUDA device exchange elements, piece by
 * piece: while one half of it is on its way, the other is filled or emptied. There is one for each
 * device, made by the first transfer and kept; transfers of a device run one after another.
 */
final class Staging {
  private static final int HALF = 4 << 20;

  private static final Map<Device, Staging> ALL = new ConcurrentHashMap<>();

  private final Device device;
  private volatile Tensor memory;

  private Staging(Device device) {
    this.device = device;
  }

  static Staging of(Device device) {
    return ALL.computeIfAbsent(device, Staging::new);
  }

  /** Gives the memory back; the next transfer takes some again. */
  static void trim(Device device) {
    Staging staging = ALL.get(device);
    if (staging != null) {
      staging.free();
    }
  }

  /** Tensors that this class keeps: no user made them, and no user can close them. */
  static long tensors() {
    return ALL.values().stream().filter(Staging::isHeld).count();
  }

  /** The bytes of {@link #tensors}. */
  static long bytes() {
    return tensors() * 2 * HALF;
  }

  private boolean isHeld() {
    return memory != null;
  }

  private synchronized void free() {
    if (memory != null) {
      memory.close();
      memory = null;
    }
  }

  private void hold() {
    if (memory == null) {
      memory = Tensor.pinned(device, DType.U8, 2L * HALF);
    }
    // A transfer that has failed may have left a copy on its way.
    device.await();
  }

  private Tensor half(int number, DType dtype, Piece piece) {
    long address = memory.address() + (number % 2) * (long) HALF;
    return Tensor.wrap(address, Device.cpu(), dtype, memory, piece.extents(), null);
  }

  /**
   * Fills a tensor of the device from an array.
   *
   * @param dtype element type of the array
   * @param move copies elements of the array into memory
   */
  synchronized void write(Tensor target, DType dtype, Transfers.Move move) {
    hold();
    Context context = Context.shared(device);
    List<Piece> pieces = Piece.of(target.shape(), HALF / dtype.bytes());
    for (int i = 0; i < pieces.size(); i++) {
      Piece piece = pieces.get(i);
      try (Tensor half = half(i, dtype, piece);
          Tensor part = target.part(piece)) {
        move.run(half.asByteBuffer(), (int) piece.start(), (int) piece.elements());
        context.synchronize(); // Now the other half is free for the next piece.
        context.copy(half, part);
      }
    }
    context.synchronize();
    Reference.reachabilityFence(target);
  }

  /**
   * Copies a tensor of the device into an array.
   *
   * @param dtype element type of the array
   * @param move copies elements of memory into the array
   */
  synchronized void read(Tensor source, DType dtype, Transfers.Move move) {
    hold();
    Context context = Context.shared(device);
    List<Piece> pieces = Piece.of(source.shape(), HALF / dtype.bytes());
    for (int i = 0; i <= pieces.size(); i++) {
      context.synchronize(); // The piece before has arrived.
      if (i < pieces.size()) {
        Piece piece = pieces.get(i);
        try (Tensor half = half(i, dtype, piece);
            Tensor part = source.part(piece)) {
          context.copy(part, half);
        }
      }
      if (i > 0) {
        Piece piece = pieces.get(i - 1);
        try (Tensor half = half(i - 1, dtype, piece)) {
          move.run(half.asByteBuffer(), (int) piece.start(), (int) piece.elements());
        }
      }
    }
  }

  /** Copies a tensor of the device to another device. */
  synchronized void pass(Tensor source, Tensor target) {
    hold();
    target.device().await();
    Context from = Context.shared(device);
    Context to = Context.shared(target.device());
    for (Piece piece : Piece.of(source.shape(), HALF / source.dtype().bytes())) {
      try (Tensor half = half(0, source.dtype(), piece);
          Tensor part = source.part(piece);
          Tensor other = target.part(piece)) {
        from.copy(part, half);
        from.synchronize();
        to.copy(half, other);
        to.synchronize();
      }
    }
  }
}
