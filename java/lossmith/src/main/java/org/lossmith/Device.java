package org.lossmith;

import java.util.List;
import java.util.stream.IntStream;
import org.lossmith.internal.LossmithNative;
import org.lossmith.internal.NativeDeviceFacts;
import org.lossmith.internal.base.Library;
import org.lossmith.internal.base.Status;

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

  /**
   * The CUDA GPUs of this machine.
   *
   * @return all of them, in the order of their numbers; empty where there are none, or none that
   *     this build can use: {@link Lossmith#describe} says why
   * @throws NativeLoadException if the natives do not load
   */
  public static List<Device> cudaDevices() {
    Library.load();
    int count = LossmithNative.lsm_device_count(Type.CUDA.code());
    return IntStream.range(0, count).mapToObj(Device::cuda).toList();
  }

  /**
   * What this device is.
   *
   * @return its name and its measures
   * @throws IllegalArgumentException if there is no such device
   * @throws UnsupportedOperationException if there is no device of its type; says why
   * @throws NativeLoadException if the natives do not load
   */
  public DeviceInfo info() {
    Library.load();
    try (NativeDeviceFacts facts = new NativeDeviceFacts()) {
      Status.check(LossmithNative.lsm_device_describe(type.code(), index, facts));
      return new DeviceInfo(
          this,
          facts.name().getString(),
          facts.memory_bytes(),
          facts.capability() / 10,
          facts.capability() % 10,
          facts.multiprocessors());
    }
  }

  /** Waits until all work queued on this device is done; returns at once on the CPU. */
  void await() {
    if (type != Type.CPU) {
      Status.check(LossmithNative.lsm_device_synchronize(type.code(), index));
    }
  }

  /** Returns {@code cpu} or, for example, {@code cuda:0}. */
  @Override
  public String toString() {
    return type == Type.CPU ? "cpu" : "cuda:" + index;
  }
}
