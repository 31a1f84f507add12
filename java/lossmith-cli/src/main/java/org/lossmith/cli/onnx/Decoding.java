package org.lossmith.cli.onnx;

import java.util.stream.IntStream;
import java.util.stream.LongStream;

/**
 * The nodes that make a weight of its codes: codes are unpacked and decoded in one look at a table
 * that has the values of all the codes of a byte, then multiplied by scales. Fields of three bits
 * lie in two planes, two bits and one bit, so that no field straddles bytes.
 *
 * <pre>{@code
 * 2, 4, 8 bits   Cast(codes) Gather(table [256, codes of a byte])
 * 3 bits         Cast(low) Gather([256,4]) + Cast(high) Gather([256,8]), Gather(levels [8])
 * then           Reshape [Abs Sign Pow Mul] [Mul scale] [Add shift] Reshape [Transpose] [Cast]
 * }</pre>
 */
final class Decoding {
  private static final int BYTES = 256;
  private static final int LOW_BITS = 2;

  private final GraphPatch patch;
  private final String name;
  private final CodedMatrix matrix;
  private final int group;
  private final int groups;
  private final int padded;

  /** Begins the decoding of a weight. */
  Decoding(GraphPatch patch, OnnxWeight weight, CodedMatrix matrix) {
    this.patch = patch;
    this.name = weight.name();
    this.matrix = matrix;
    group = matrix.group() > 0 ? matrix.group() : matrix.columns();
    groups = (matrix.columns() + group - 1) / group;
    padded = groups * group;
  }

  /** Adds all nodes; the last one has the name of the weight. */
  static void add(GraphPatch patch, OnnxWeight weight, CodedMatrix matrix) {
    Decoding decoding = new Decoding(patch, weight, matrix);
    String values = decoding.scaled(decoding.levels());
    decoding.shaped(values, weight);
    patch.nameLast(weight.name());
  }

  // ---- Levels of the codes

  private boolean foldsScale() {
    return matrix.scale().length == 1 && matrix.powers() == null && matrix.shift() == null;
  }

  /** The levels of all codes, in one dimension, padded with more. */
  private String levels() {
    float[] levels = matrix.levels();
    if (foldsScale()) {
      levels = levels.clone();
      for (int i = 0; i < levels.length; i++) {
        levels[i] *= matrix.scale()[0];
      }
    }
    byte[] fields = paddedFields();
    if (matrix.bits() == LOW_BITS + 1) {
      String fieldNumbers =
          patch.binary(
              "Add",
              name + "/fields",
              plane(name + "/low", fields, 0, LOW_BITS),
              plane(name + "/high", fields, LOW_BITS, 1));
      String table = patch.sharedFloats(name + "/levels", levels, levels.length);
      return patch.binary("Gather", name + "/decoded", table, fieldNumbers);
    }
    int each = Byte.SIZE / matrix.bits();
    float[] table = new float[BYTES * each];
    for (int i = 0; i < table.length; i++) {
      table[i] = levels[field(i / each, i % each, matrix.bits())];
    }
    String codes = patch.bytes(name + "/codes", packed(fields, 0, matrix.bits()));
    return patch.binary(
        "Gather",
        name + "/decoded",
        patch.sharedFloats(name + "/table", table, BYTES, each),
        patch.cast(name + "/indices", codes, OnnxType.INT32));
  }

  /** Some bits of all fields as integers at their place, in one dimension. */
  private String plane(String planeName, byte[] fields, int shift, int bits) {
    int each = Byte.SIZE / bits;
    int[] table = new int[BYTES * each];
    for (int i = 0; i < table.length; i++) {
      table[i] = field(i / each, i % each, bits) << shift;
    }
    String codes = patch.bytes(planeName + "/codes", packed(fields, shift, bits));
    String gathered =
        patch.binary(
            "Gather",
            planeName + "/decoded",
            patch.sharedInts(planeName + "/table", table, BYTES, each),
            patch.cast(planeName + "/indices", codes, OnnxType.INT32));
    return patch.reshape(planeName, gathered, -1);
  }

  private static int field(int code, int index, int bits) {
    return code >> index * bits & (1 << bits) - 1;
  }

  /** Rows filled up to whole groups, and the last byte of every plane filled up. */
  private byte[] paddedFields() {
    int count = Math.toIntExact((long) matrix.rows() * padded);
    int each = matrix.bits() == LOW_BITS + 1 ? Byte.SIZE : Byte.SIZE / matrix.bits();
    byte[] fields = new byte[(count + each - 1) / each * each];
    for (int row = 0; row < matrix.rows(); row++) {
      System.arraycopy(
          matrix.fields(), row * matrix.columns(), fields, row * padded, matrix.columns());
    }
    return fields;
  }

  private static byte[] packed(byte[] fields, int shift, int bits) {
    int each = Byte.SIZE / bits;
    int mask = (1 << bits) - 1;
    byte[] packed = new byte[fields.length / each];
    for (int i = 0; i < packed.length; i++) {
      int code = 0;
      for (int j = 0; j < each; j++) {
        code |= (fields[i * each + j] >> shift & mask) << j * bits;
      }
      packed[i] = (byte) code;
    }
    return packed;
  }

  // ---- Values

  /** Levels to values in rows, of shape [rows, padded columns] or [rows, groups, group]. */
  private String scaled(String levels) {
    String values = levels;
    long count = (long) matrix.rows() * padded;
    if (paddedFields().length != count) {
      values = patch.reshape(name + "/flat", values, -1);
      values = patch.first(name + "/first", values, 0, count);
    }
    values =
        matrix.group() > 0
            ? patch.reshape(name + "/groups", values, matrix.rows(), groups, group)
            : patch.reshape(name + "/rows", values, matrix.rows(), matrix.columns());
    if (matrix.powers() != null) {
      String magnitudes = patch.unary("Abs", name + "/magnitudes", values);
      String powers =
          patch.binary("Pow", name + "/powered", magnitudes, parameter("/powers", matrix.powers()));
      values =
          patch.binary(
              "Mul", name + "/signed", patch.unary("Sign", name + "/signs", values), powers);
    }
    if (!foldsScale()) {
      values = patch.binary("Mul", name + "/scaled", values, parameter("/scale", matrix.scale()));
    }
    if (matrix.shift() != null) {
      values = patch.binary("Add", name + "/shifted", values, parameter("/shift", matrix.shift()));
    }
    if (padded != matrix.columns()) {
      values = patch.reshape(name + "/padded", values, matrix.rows(), padded);
      values = patch.first(name + "/columns", values, 1, matrix.columns());
    }
    return values;
  }

  private String parameter(String suffix, float[] values) {
    long[] shape =
        values.length == 1
            ? new long[] {1}
            : matrix.group() > 0
                ? new long[] {matrix.rows(), groups, 1}
                : new long[] {matrix.rows(), 1};
    return patch.floats(name + suffix, values, shape);
  }

  // ---- Shape and type of the weight

  private void shaped(String values, OnnxWeight weight) {
    long[] shape = weight.shape();
    int axis = weight.channelAxis();
    String result;
    if (axis == 0) {
      result = patch.reshape(name + "/shaped", values, shape);
    } else {
      long[] moved =
          LongStream.concat(
                  LongStream.of(shape[axis]),
                  IntStream.range(0, shape.length).filter(i -> i != axis).mapToLong(i -> shape[i]))
              .toArray();
      long[] permutation =
          IntStream.range(0, shape.length)
              .mapToLong(i -> i < axis ? i + 1 : i == axis ? 0 : i)
              .toArray();
      result = patch.reshape(name + "/shaped", values, moved);
      result = patch.transpose(name + "/transposed", result, permutation);
    }
    OnnxType type = OnnxType.of(weight.tensor());
    if (type != OnnxType.FLOAT) {
      patch.cast(name + "/cast", result, type);
    }
  }
}
