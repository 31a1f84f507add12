package org.lossmith;

import org.lossmith.internal.LossmithNative;
import org.lossmith.internal.NativeMemoryPool;
import org.lossmith.internal.base.Library;
import org.lossmith.internal.base.Status;

/**
 * The memory that tensors hold on a device, at one moment. Workspaces of contexts do not count; on
 * the CPU the page-locked memory does, that for transfers included.
 *
 * <p>Memory of closed tensors on a CUDA device is kept for the next ones: a loop that makes and
 * closes tensors of the same sizes asks the device for memory only in its first rounds.
 *
 * @param device the device
 * @param liveBytes what open tensors hold, rounded up as it was allocated
 * @param cachedBytes what no tensor holds and is kept for the next one; 0 on the CPU
 * @param peakBytes the largest that liveBytes has been
 * @param limitBytes the limit for live and cached bytes together; 0: none
 */
public record DeviceMemory(
    Device device, long liveBytes, long cachedBytes, long peakBytes, long limitBytes) {
  /**
   * The memory of a device now.
   *
   * @param device the device
   * @return its numbers
   * @throws IllegalArgumentException if there is no such device
   * @throws UnsupportedOperationException if there is no device of its type; says why
   * @throws NativeLoadException if the natives do not load
   */
  public static DeviceMemory of(Device device) {
    Checks.given("device", device);
    Library.load();
    try (NativeMemoryPool pool = new NativeMemoryPool()) {
      Status.check(
          LossmithNative.lsm_memory_pool_bytes(device.type().code(), device.index(), pool));
      return new DeviceMemory(
          device, pool.live_bytes(), pool.cached_bytes(), pool.peak_bytes(), pool.limit_bytes());
    }
  }

  /**
   * Limits what tensors may hold on a device, what is kept for later ones included. Beyond it the
   * making of a tensor is an {@link OutOfMemoryError}; what tensors hold already stays.
   *
   * @param device the device
   * @param bytes the limit; 0: none
   * @throws IllegalArgumentException if {@code bytes} is negative, or there is no such device
   * @throws UnsupportedOperationException if there is no device of its type; says why
   */
  public static void limit(Device device, long bytes) {
    Checks.given("device", device);
    Checks.that(bytes >= 0, "bytes", ">= 0", bytes);
    Library.load();
    Status.check(LossmithNative.lsm_memory_set_limit(device.type().code(), device.index(), bytes));
  }

  /**
   * Gives the memory that no tensor holds back to the device, and the page-locked memory for
   * transfers to the system. Waits for the work queued on the device.
   *
   * @param device the device
   * @throws IllegalArgumentException if there is no such device
   * @throws UnsupportedOperationException if there is no device of its type; says why
   */
  public static void trim(Device device) {
    Checks.given("device", device);
    Library.load();
    Staging.trim(device);
    Status.check(LossmithNative.lsm_memory_trim(device.type().code(), device.index()));
  }
}
