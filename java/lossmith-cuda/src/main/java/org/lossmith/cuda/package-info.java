/**
 * Views between Lossmith and the JavaCPP presets for CUDA ({@code org.bytedeco:cuda}), without
 * copies: device memory as tensors, streams as contexts, and the other way round.
 *
 * <p>The views use only classes of the presets that need no native library. What allocates the
 * memory and makes the streams ({@code org.bytedeco.cuda.global.cudart}) needs the natives of the
 * presets and the driver: add {@code org.bytedeco:cuda-platform} where CUDA 13 is installed, and
 * {@code org.bytedeco:cuda-platform-redist} beside it where it is not.
 */
package org.lossmith.cuda;
