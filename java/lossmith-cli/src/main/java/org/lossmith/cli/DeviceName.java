package org.lossmith.cli;

import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.lossmith.Device;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/** Devices on the command line: cpu, cuda (the first) or cuda:1. */
public final class DeviceName implements ITypeConverter<Device> {
  private static final Pattern CUDA = Pattern.compile("cuda(?::(\\d{1,4}))?");

  @Override
  public Device convert(String text) {
    String name = text.toLowerCase(Locale.ROOT);
    if (name.equals("cpu")) {
      return Device.cpu();
    }
    Matcher cuda = CUDA.matcher(name);
    if (!cuda.matches()) {
      throw new TypeConversionException("expected cpu or cuda:NUMBER, got '" + text + "'");
    }
    return Device.cuda(cuda.group(1) == null ? 0 : Integer.parseInt(cuda.group(1)));
  }
}
