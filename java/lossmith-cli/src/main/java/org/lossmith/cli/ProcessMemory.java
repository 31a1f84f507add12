package org.lossmith.cli;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Memory of this process as the kernel counts it. */
public final class ProcessMemory {
  private static final Path STATUS = Path.of("/proc/self/status");
  private static final Pattern PEAK = Pattern.compile("VmHWM:\\s+(\\d+) kB");
  private static final long KIB = 1024;

  private ProcessMemory() {}

  /** The most physical memory held so far, in bytes; 0 where the kernel does not tell. */
  public static long peakResidentBytes() {
    try {
      Matcher peak = PEAK.matcher(Files.readString(STATUS));
      return peak.find() ? KIB * Long.parseLong(peak.group(1)) : 0;
    } catch (IOException e) {
      return 0;
    }
  }
}
