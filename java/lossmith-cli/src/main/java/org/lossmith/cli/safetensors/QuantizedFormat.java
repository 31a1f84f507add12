package org.lossmith.cli.safetensors;

import com.fasterxml.jackson.databind.JsonNode;
import org.lossmith.Groups;
import org.lossmith.PowerQuantizer;
import org.lossmith.PowerRange;

/**
 * How a tensor lies in a file as codes. The tensor NAME of shape [n,...], seen as a matrix [n,k],
 * is
 *
 * <pre>{@code
 * NAME.codes     U8 [n,bytes]  fields of 2, 3, 4 or 8 bits, the first one lowest; a row fills bytes
 * NAME.scale     F32 [1], [n] or [n,groups]
 * NAME.exponent  F32 [1] or like scale
 * NAME.shift     F32 like scale; only for asymmetric grids
 * }</pre>
 *
 * <p>and a value is {@code scale * sign(q) * (|q| / Q)^(1/exponent) + shift}. A signed field has
 * its sign in the top bit. The entry {@link #KEY} of the file's metadata is a JSON object that has,
 * for each NAME, the members of this record.
 *
 * @param method the kind of grid
 * @param bits of a code, 2 to 8
 * @param range "signed": Q = 2^(bits-1) - 1, or "unsigned": Q = 2^bits - 1
 * @param dtype the element type that the tensor had
 * @param shape the extents that the tensor had
 * @param axis 0 if each row has its scale, else -1
 * @param columns the columns of a group, or 0
 */
public record QuantizedFormat(
    String method, int bits, String range, String dtype, long[] shape, int axis, long columns) {
  /** The entry of the metadata. */
  public static final String KEY = "lossmith.quantization";

  /** The endings of names. */
  public static final String CODES = ".codes";

  /** The ending of scales. */
  public static final String SCALE = ".scale";

  /** The ending of exponents. */
  public static final String EXPONENT = ".exponent";

  /** The ending of shifts. */
  public static final String SHIFT = ".shift";

  /** The quantizer of the codes. */
  public PowerQuantizer quantizer() {
    return PowerQuantizer.of(bits)
        .withRange(range.equals("unsigned") ? PowerRange.UNSIGNED : PowerRange.SIGNED)
        .withGroups(new Groups(axis, columns));
  }

  /** The word for a range. */
  public static String word(PowerRange range) {
    return range == PowerRange.SIGNED ? "signed" : "unsigned";
  }

  /** What the metadata says; members that are missing are 0 or empty. */
  static QuantizedFormat of(JsonNode node) {
    long[] shape = new long[node.path("shape").size()];
    for (int i = 0; i < shape.length; i++) {
      shape[i] = node.path("shape").get(i).asLong();
    }
    return new QuantizedFormat(
        node.path("method").asText(),
        node.path("bits").asInt(),
        node.path("range").asText(),
        node.path("dtype").asText(),
        shape,
        node.path("axis").asInt(),
        node.path("columns").asLong());
  }
}
