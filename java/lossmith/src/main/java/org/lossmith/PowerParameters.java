package org.lossmith;

/**
 * What the elements of a quantized tensor share ({@link Groups}): the tensors that a {@link
 * PowerQuantizer} takes beside the values or codes. Their owner closes all of them with {@link
 * #close}.
 *
 * @param scale the largest magnitude that codes stand for, {@code >= 0}; the parameters' shape,
 *     F32, or F64 for F64 tensors. Where it is 0 all codes and values are 0
 * @param exponent a in [0.01, 16], one for all ([1]) or one for each scale; the type of scale.
 *     Below 1 small values get more codes, 1 is a uniform grid
 * @param shift null, or what is taken from values before they are quantized and added again ({@link
 *     PowerRange#UNSIGNED} only): the shape and type of scale
 */
public record PowerParameters(Tensor scale, Tensor exponent, Tensor shift)
    implements AutoCloseable {
  /**
   * Takes the tensors, which {@link #close} will close. Their shapes and types are checked where
   * they are used.
   *
   * @param scale the largest magnitude that codes stand for
   * @param exponent one for all, or one for each scale
   * @param shift what is taken from values before they are quantized; null: nothing
   * @throws IllegalArgumentException if scale or exponent is null
   */
  public PowerParameters {
    Checks.given("scale", scale);
    Checks.given("exponent", exponent);
  }

  /**
   * Takes the tensors; nothing is shifted.
   *
   * @param scale the largest magnitude that codes stand for
   * @param exponent one for all, or one for each scale
   * @return parameters, to be closed by the caller
   * @throws IllegalArgumentException if a tensor is null
   */
  public static PowerParameters of(Tensor scale, Tensor exponent) {
    return new PowerParameters(scale, exponent, null);
  }

  /**
   * A copy.
   *
   * @param device where the copy shall be
   * @return new parameters, to be closed by the caller
   * @throws IllegalStateException if these are closed
   */
  public PowerParameters to(Device device) {
    Tensor[] copies = new Tensor[3];
    try {
      copies[0] = scale.to(device);
      copies[1] = exponent.to(device);
      copies[2] = shift == null ? null : shift.to(device);
      return new PowerParameters(copies[0], copies[1], copies[2]);
    } catch (RuntimeException | Error e) {
      for (Tensor copy : copies) {
        if (copy != null) {
          copy.close();
        }
      }
      throw e;
    }
  }

  /**
   * The bytes of the tensors.
   *
   * @return a count
   */
  public long bytes() {
    return scale.bytes() + exponent.bytes() + (shift == null ? 0 : shift.bytes());
  }

  /** Closes the tensors. */
  @Override
  public void close() {
    scale.close();
    exponent.close();
    if (shift != null) {
      shift.close();
    }
  }
}
