package org.lossmith.cli.quantize;

import java.nio.ByteBuffer;
import org.lossmith.Context;
import org.lossmith.Groups;
import org.lossmith.PowerParameters;
import org.lossmith.PowerQuantizer;
import org.lossmith.Tensor;
import org.lossmith.cli.onnx.CodedMatrix;

/** The codes of the library as ONNX will have them. */
final class OnnxCodes {
  private static final int MOST_BITS_OF_SMALL_FIELDS = 4;

  private OnnxCodes() {}

  /** Unpacks codes, and asks the library what they stand for. */
  static CodedMatrix of(Context context, CodedWeight codes) {
    int bits = fieldBits(codes.quantizer());
    PowerParameters parameters = codes.parameters();
    float[] exponents = parameters.exponent().toFloatArray();
    float[] powers = null;
    if (exponents.length > 1) {
      powers = exponents.clone();
      for (int i = 0; i < powers.length; i++) {
        powers[i] = 1 / exponents[i];
      }
    }
    return new CodedMatrix(
        (int) codes.codes().size(0),
        (int) codes.columns(),
        bits,
        fields(codes, bits),
        levels(context, codes.quantizer(), powers == null ? exponents[0] : 1),
        (int) Math.min(codes.columns(), codes.quantizer().groups().columns()),
        parameters.scale().toFloatArray(),
        parameters.shift() == null ? null : parameters.shift().toFloatArray(),
        powers);
  }

  private static int fieldBits(PowerQuantizer quantizer) {
    return quantizer.bits() <= MOST_BITS_OF_SMALL_FIELDS ? quantizer.bits() : Byte.SIZE;
  }

  /** The fields of all rows, a byte for each. */
  private static byte[] fields(CodedWeight codes, int bits) {
    int rows = (int) codes.codes().size(0);
    int rowBytes = (int) codes.codes().size(1);
    int columns = (int) codes.columns();
    ByteBuffer packed = codes.codes().asByteBuffer();
    byte[] fields = new byte[rows * columns];
    byte[] row = new byte[rowBytes + 1]; // One more: two bytes are looked at for each field.
    for (int i = 0; i < rows; i++) {
      packed.get(row, 0, rowBytes);
      for (int j = 0; j < columns; j++) {
        int bit = j * bits;
        int at = bit / Byte.SIZE;
        int two = row[at] & 0xff | (row[at + 1] & 0xff) << Byte.SIZE;
        fields[i * columns + j] = (byte) (two >> bit % Byte.SIZE & (1 << bits) - 1);
      }
    }
    return fields;
  }

  /** What each field stands for at scale 1, as the library decodes it. */
  private static float[] levels(Context context, PowerQuantizer quantizer, float exponent) {
    int bits = fieldBits(quantizer);
    int count = 1 << bits;
    byte[] stream = new byte[count * bits / Byte.SIZE];
    for (int field = 0; field < count; field++) {
      for (int i = 0; i < bits; i++) {
        int bit = field * bits + i;
        stream[bit / Byte.SIZE] |= (byte) ((field >> i & 1) << bit % Byte.SIZE);
      }
    }
    try (Tensor codes = Tensor.of(stream, 1, stream.length);
        PowerParameters unit =
            PowerParameters.of(
                Tensor.of(new float[] {1}, 1), Tensor.of(new float[] {exponent}, 1));
        Tensor values =
            quantizer
                .withGroups(Groups.perTensor())
                .dequantizePacked(context, codes, count, unit)) {
      return values.toFloatArray();
    }
  }
}
