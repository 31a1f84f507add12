package org.lossmith.bench.measure;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * Resident memory of this process as the Linux kernel counts it: what it is now (VmRSS) and its
 * peak (VmHWM), which can be set back to the present value.
 */
public final class ProcessMemory {
  private static final Path STATUS = Path.of("/proc/self/status");
  private static final Path CLEAR_REFS = Path.of("/proc/self/clear_refs");

  private ProcessMemory() {}

  /** Resident bytes now. */
  public static long resident() {
    return status("VmRSS:");
  }

  /** Peak of the resident bytes since the process started or since {@link #resetPeak}. */
  public static long peak() {
    return status("VmHWM:");
  }

  /** Sets the peak back to the resident bytes of now; false where the kernel does not permit it. */
  public static boolean resetPeak() {
    try {
      Files.writeString(CLEAR_REFS, "5");
      return true;
    } catch (IOException e) {
      return false;
    }
  }

  /**
   * How far the resident bytes rise over what they are before while {@code work} runs. Where the
   * kernel does not permit to set the peak back, an older peak hides growth up to it: then counting
   * starts there, which is off by at most what came before.
   */
  public static long growth(Runnable work) {
    long before = resident();
    if (!resetPeak()) {
      before = Math.max(before, peak());
    }
    work.run();
    return peak() - before;
  }

  /** Bytes that the machine can still give out without swapping. */
  public static long available() {
    return kilobytes(Path.of("/proc/meminfo"), "MemAvailable:");
  }

  private static long status(String key) {
    return kilobytes(STATUS, key);
  }

  private static long kilobytes(Path file, String key) {
    try {
      for (String line : Files.readAllLines(file)) {
        if (line.startsWith(key)) {
          return Long.parseLong(line.replaceAll("\\D", "")) * 1024;
        }
      }
    } catch (IOException e) {
      throw new UncheckedIOException(file + " cannot be read", e);
    }
    throw new IllegalStateException(file + ": expected a line " + key);
  }
}
