package org.lossmith.bench.provider;

import java.util.Locale;
import org.lossmith.DType;

/**
 * Element types of inputs and gradients that are benchmarked, with what each may cost in accuracy.
 */
public enum ElementType {
  /** 24 significant bits. */
  F32(DType.F32, 1e-5, 1e-4),
  /**
   * 8 significant bits. The composition rounds the logits themselves to bf16, which moves a
   * probability by up to 2^-9 * |logit|.
   */
  BF16(DType.BF16, 5e-3, 4e-2);

  private final DType dtype;
  private final double lossTolerance;
  private final double gradientTolerance;

  ElementType(DType dtype, double lossTolerance, double gradientTolerance) {
    this.dtype = dtype;
    this.lossTolerance = lossTolerance;
    this.gradientTolerance = gradientTolerance;
  }

  /** Lossmith's name of the type. */
  public DType dtype() {
    return dtype;
  }

  /** Lower-case name, as rows and JSON spell it. */
  public String id() {
    return name().toLowerCase(Locale.ROOT);
  }

  /** Bytes of one element. */
  public int bytes() {
    return this == F32 ? Float.BYTES : Short.BYTES;
  }

  /** Largest relative difference of two losses that counts as agreement. */
  public double lossTolerance() {
    return lossTolerance;
  }

  /** Largest |a - b| / |b| (Frobenius) of two gradients that counts as agreement. */
  public double gradientTolerance() {
    return gradientTolerance;
  }

  /** {@code value} rounded to this type (nearest, ties to even). */
  public float round(float value) {
    if (this == F32) {
      return value;
    }
    int bits = Float.floatToRawIntBits(value);
    int rounded = bits + 0x7fff + ((bits >>> 16) & 1);
    return Float.intBitsToFloat(rounded & 0xffff0000);
  }
}
