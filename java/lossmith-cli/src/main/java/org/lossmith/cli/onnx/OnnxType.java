package org.lossmith.cli.onnx;

import ai.onnx.proto.OnnxMl.TensorProto;
import java.util.Locale;
import org.lossmith.DType;

/** Element types of ONNX, by the numbers that files hold. */
public enum OnnxType {
  FLOAT(1, 32, DType.F32),
  UINT8(2, 8, DType.U8),
  INT8(3, 8, null),
  UINT16(4, 16, null),
  INT16(5, 16, null),
  INT32(6, 32, DType.I32),
  INT64(7, 64, DType.I64),
  STRING(8, 0, null),
  BOOL(9, 8, null),
  FLOAT16(10, 16, DType.F16),
  DOUBLE(11, 64, DType.F64),
  UINT32(12, 32, null),
  UINT64(13, 64, null),
  COMPLEX64(14, 64, null),
  COMPLEX128(15, 128, null),
  BFLOAT16(16, 16, DType.BF16),
  FLOAT8E4M3FN(17, 8, null),
  FLOAT8E4M3FNUZ(18, 8, null),
  FLOAT8E5M2(19, 8, null),
  FLOAT8E5M2FNUZ(20, 8, null),
  UINT4(21, 4, null),
  INT4(22, 4, null),
  FLOAT4E2M1(23, 4, null);

  private final int number;
  private final int bits;
  private final DType type;

  OnnxType(int number, int bits, DType type) {
    this.number = number;
    this.bits = bits;
    this.type = type;
  }

  /** The type of a tensor, or null for a number that ONNX does not know. */
  public static OnnxType of(TensorProto tensor) {
    for (OnnxType type : values()) {
      if (type.number == tensor.getDataType()) {
        return type;
      }
    }
    return null;
  }

  /** The number in files. */
  public int number() {
    return number;
  }

  /** Bits of an element; 0: they differ. */
  public int bits() {
    return bits;
  }

  /** The type of the library, or null. */
  public DType type() {
    return type;
  }

  /** Whether weights of this type can be quantized. */
  public boolean isFloating() {
    return this == FLOAT || this == FLOAT16 || this == BFLOAT16 || this == DOUBLE;
  }

  @Override
  public String toString() {
    return name().toLowerCase(Locale.ROOT);
  }
}
