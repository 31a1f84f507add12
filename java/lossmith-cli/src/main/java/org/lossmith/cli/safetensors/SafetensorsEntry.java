package org.lossmith.cli.safetensors;

import java.util.Arrays;
import org.lossmith.DType;

/**
 * A tensor in a file of safetensors.
 *
 * @param name its name
 * @param dtype its element type as the format spells it
 * @param shape its extents; none: one element
 * @param begin where its bytes begin, counted from the start of the file
 * @param end where they end
 */
public record SafetensorsEntry(String name, String dtype, long[] shape, long begin, long end) {
  /** The bytes that it takes. */
  public long bytes() {
    return end - begin;
  }

  /** How many elements it has. */
  public long elements() {
    return Arrays.stream(shape).reduce(1, (a, b) -> a * b);
  }

  /** The element type of the library, or null if the library has none like it. */
  public DType type() {
    return SafetensorsTypes.type(dtype);
  }

  /** The shape for people, for example "[2, 3]". */
  public String shapeText() {
    return Arrays.toString(shape);
  }
}
