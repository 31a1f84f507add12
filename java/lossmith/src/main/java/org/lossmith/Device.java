package org.lossmith;

import org.lossmith.internal.LossmithNative;

/**
 * A device: its type and, among several of the type, its number.
 *
 * @param type CPU or CUDA
 * @param index number of the device, from 0; always 0 for the CPU
 */
public record Device(Type type, int index) {
  /** Types of devices. */
  public enum Type {
    /** The host. */
    CPU(LossmithNative.LSM_CPU),
    /** A CUDA GPU. */
    CUDA(LossmithNative.LSM_CUDA);

    private final int code;

    Type(int code) {
      this.code = code;
    }

    /**
     * The device type code of DLPack.
     *
     * @return 1 for the CPU, 2 for CUDA
     */
    public int code() {
      return code;
    }
  }

  private static final Device HOST = new Device(Type.CPU, 0);

  /**
   * Checks the components.
   *
   * @param type CPU or CUDA
   * @param index number of the device, from 0; always 0 for the CPU
   * @throws IllegalArgumentException if {@code type} is null, {@code index} is negative, or the
   *     CPU's index is not 0
   */
  public Device {
    Checks.given("type", type);
    Checks.that(index >= 0, "index", ">= 0", index);
    Checks.that(type != Type.CPU || index == 0, "index", "0 for the CPU", index);
  }

  /**
   * The host.
   *
   * @return the one CPU device
   */
  public static Device cpu() {
    return HOST;
  }

  /**
   * A CUDA GPU. That it exists is checked when it is used.
   *
   * @param index its number, from 0
   * @return the device
   * @throws IllegalArgumentException if {@code index} is negative
   */
  public static Device cuda(int index) {
    return new Device(Type.CUDA, index);
  }

  /** Returns {@code cpu} or, for example, {@code cuda:0}. */
  @Override
  public String toString() {
    return type == Type.CPU ? "cpu" : "cuda:" + index;
  }
}
