package org.lossmith;

import org.lossmith.internal.LossmithNative;
import org.lossmith.internal.base.Leaks;
import org.lossmith.internal.base.Library;

/** The library: its version, what it found on this machine, and the memory it holds. */
public final class Lossmith {
  private Lossmith() {}

  /**
   * The version of the native library.
   *
   * @return {@code major.minor.patch}
   * @throws NativeLoadException if the natives do not load
   */
  public static String version() {
    Library.load();
    return LossmithNative.lsm_version();
  }

  /**
   * What this build and this machine offer: version, backends (with the reason for each that is
   * absent), devices, the instruction set in use, and the libraries found.
   *
   * @return one JSON object
   * @throws NativeLoadException if the natives do not load
   */
  public static String describe() {
    Library.load();
    return LossmithNative.lsm_describe();
  }

  /**
   * The number of tensors and views that are open in this process; the library's own memory for
   * transfers does not count.
   *
   * @return their number; 0 when everything was closed
   * @throws NativeLoadException if the natives do not load
   */
  public static long liveTensors() {
    Library.load();
    return LossmithNative.lsm_memory_live_tensors() - Staging.tensors();
  }

  /**
   * The bytes that open tensors own; memory that a tensor only wraps does not count, nor does the
   * library's own memory for transfers. {@link DeviceMemory} tells more of one device.
   *
   * @return bytes on all devices; 0 when everything was closed
   * @throws NativeLoadException if the natives do not load
   */
  public static long liveBytes() {
    Library.load();
    return LossmithNative.lsm_memory_live_bytes() - Staging.bytes();
  }

  /**
   * The number of objects that were garbage collected without having been closed. Their memory was
   * freed all the same, but late.
   *
   * @return their number since the start of the JVM
   */
  public static long leaks() {
    return Leaks.count();
  }
}
