package org.lossmith;

/**
 * What a device is.
 *
 * @param device the device
 * @param name the name that its driver gives; {@code cpu} for the CPU
 * @param memoryBytes the bytes of its memory; 0 for the CPU
 * @param capabilityMajor CUDA: the first number of the compute capability; 0 for the CPU
 * @param capabilityMinor CUDA: the second number of the compute capability; 0 for the CPU
 * @param multiprocessors CUDA: the number of streaming multiprocessors; 0 for the CPU
 */
public record DeviceInfo(
    Device device,
    String name,
    long memoryBytes,
    int capabilityMajor,
    int capabilityMinor,
    int multiprocessors) {}
