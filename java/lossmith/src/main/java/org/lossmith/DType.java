package org.lossmith;

import org.lossmith.internal.LossmithNative;

/** Element types of tensors. */
public enum DType {
  /** IEEE 754 binary32, Java's {@code float}. */
  F32(LossmithNative.LSM_FLOAT, 32),
  /** IEEE 754 binary64, Java's {@code double}. */
  F64(LossmithNative.LSM_FLOAT, 64),
  /** IEEE 754 binary16. */
  F16(LossmithNative.LSM_FLOAT, 16),
  /** bfloat16: the upper half of a binary32. */
  BF16(LossmithNative.LSM_BFLOAT, 16),
  /** Unsigned 8-bit integer, used for masks and for codes. */
  U8(LossmithNative.LSM_UINT, 8),
  /** Signed 8-bit integer, Java's {@code byte}; used for codes. */
  I8(LossmithNative.LSM_INT, 8),
  /** Signed 32-bit integer. */
  I32(LossmithNative.LSM_INT, 32),
  /** Signed 64-bit integer. */
  I64(LossmithNative.LSM_INT, 64);

  private final byte code;
  private final byte bits;

  DType(int code, int bits) {
    this.code = (byte) code;
    this.bits = (byte) bits;
  }

  /**
   * The type code of DLPack.
   *
   * @return 0 signed integer, 1 unsigned integer, 2 IEEE floating point, 4 bfloat
   */
  public byte code() {
    return code;
  }

  /** Whether elements are floating-point numbers. */
  boolean isFloating() {
    return code == LossmithNative.LSM_FLOAT || code == LossmithNative.LSM_BFLOAT;
  }

  /**
   * The width of an element in bits.
   *
   * @return 8, 16, 32 or 64
   */
  public byte bits() {
    return bits;
  }

  /**
   * The width of an element in bytes.
   *
   * @return 1, 2, 4 or 8
   */
  public int bytes() {
    return bits / Byte.SIZE;
  }
}
