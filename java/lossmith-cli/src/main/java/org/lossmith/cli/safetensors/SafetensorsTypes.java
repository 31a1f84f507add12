package org.lossmith.cli.safetensors;

import java.util.Map;
import java.util.TreeSet;
import org.lossmith.DType;

/** The element types that the format knows. */
final class SafetensorsTypes {
  /** Bits of an element. */
  private static final Map<String, Integer> BITS =
      Map.ofEntries(
          Map.entry("BOOL", 8),
          Map.entry("F4", 4),
          Map.entry("F6_E2M3", 6),
          Map.entry("F6_E3M2", 6),
          Map.entry("U8", 8),
          Map.entry("I8", 8),
          Map.entry("F8_E4M3", 8),
          Map.entry("F8_E5M2", 8),
          Map.entry("F8_E8M0", 8),
          Map.entry("I16", 16),
          Map.entry("U16", 16),
          Map.entry("F16", 16),
          Map.entry("BF16", 16),
          Map.entry("I32", 32),
          Map.entry("U32", 32),
          Map.entry("F32", 32),
          Map.entry("I64", 64),
          Map.entry("U64", 64),
          Map.entry("F64", 64),
          Map.entry("C64", 64));

  private static final Map<String, DType> TYPES =
      Map.of(
          "F16", DType.F16,
          "BF16", DType.BF16,
          "F32", DType.F32,
          "F64", DType.F64,
          "U8", DType.U8,
          "I32", DType.I32,
          "I64", DType.I64);

  private SafetensorsTypes() {}

  /** The bits of an element, or null for a type that the format does not know. */
  static Integer bits(String dtype) {
    return BITS.get(dtype);
  }

  /** The element type of the library, or null. */
  static DType type(String dtype) {
    return TYPES.get(dtype);
  }

  /** All names, for messages. */
  static String names() {
    return String.join(", ", new TreeSet<>(BITS.keySet()));
  }
}
