package org.lossmith.quantization;

import java.nio.FloatBuffer;
import java.util.SplittableRandom;
import java.util.stream.IntStream;
import org.lossmith.Context;
import org.lossmith.DType;
import org.lossmith.Device;
import org.lossmith.Tensor;

/**
 * The patches of images that a convolution multiplies with its weights: a convolution is a linear
 * layer on them. The patch of a position (y, x) of the output has, for group g, the elements
 *
 * <pre>{@code
 * images[n, g c/groups + i, y strideY - top + ky dilationY, x strideX - left + kx dilationX]
 * }</pre>
 *
 * <p>in the order (i, ky, kx) of the weights [o, c/groups, kh, kw]; outside the image they are 0.
 * The output has (h + top + bottom - (kh - 1) dilationY - 1) / strideY + 1 rows, and columns
 * likewise.
 *
 * <p>Images are NCHW on the CPU. They are read one by one, and patches made in blocks of some
 * megabytes, so that neither the number nor the size of images matters. An image of 224 x 224 has
 * 50176 positions, of which a sample says enough about a layer: {@link #withSamples}.
 *
 * @param height kh
 * @param width kw
 * @param strideY rows from one position to the next
 * @param strideX columns from one position to the next
 * @param top rows of zeros above an image
 * @param left columns of zeros before it
 * @param bottom rows of zeros below it
 * @param right columns of zeros behind it
 * @param dilationY rows from one row of the kernel to the next
 * @param dilationX columns from one column of the kernel to the next
 * @param groups into which the channels are divided; as many as channels: depthwise
 * @param samples positions taken of each image, none twice; 0: all
 * @param seed of the sample
 */
public record Patches(
    int height,
    int width,
    int strideY,
    int strideX,
    int top,
    int left,
    int bottom,
    int right,
    int dilationY,
    int dilationX,
    int groups,
    int samples,
    long seed) {
  /** Numbers in a block of patches. */
  private static final long BLOCK = 1 << 21;

  /**
   * Checks the components.
   *
   * @param height kh
   * @param width kw
   * @param strideY rows from one position to the next
   * @param strideX columns from one position to the next
   * @param top rows of zeros above an image
   * @param left columns of zeros before it
   * @param bottom rows of zeros below it
   * @param right columns of zeros behind it
   * @param dilationY rows from one row of the kernel to the next
   * @param dilationX columns from one column of the kernel to the next
   * @param groups into which the channels are divided; as many as channels: depthwise
   * @param samples positions taken of each image, none twice; 0: all
   * @param seed of the sample
   * @throws IllegalArgumentException for a component outside its range
   */
  public Patches {
    positive("height", height);
    positive("width", width);
    positive("strideY", strideY);
    positive("strideX", strideX);
    notNegative("top", top);
    notNegative("left", left);
    notNegative("bottom", bottom);
    notNegative("right", right);
    positive("dilationY", dilationY);
    positive("dilationX", dilationX);
    positive("groups", groups);
    notNegative("samples", samples);
  }

  private static void positive(String name, int value) {
    Expect.that(value >= 1, name, "a value >= 1", value);
  }

  private static void notNegative(String name, int value) {
    Expect.that(value >= 0, name, "a value >= 0", value);
  }

  /**
   * Patches at every position inside an image.
   *
   * @param height kh
   * @param width kw
   * @return patches with stride 1, no padding, dilation 1, one group and all positions
   * @throws IllegalArgumentException if an extent is not positive
   */
  public static Patches of(int height, int width) {
    return new Patches(height, width, 1, 1, 0, 0, 0, 0, 1, 1, 1, 0, 0);
  }

  /**
   * These patches with other strides.
   *
   * @param y rows
   * @param x columns
   * @return new patches
   * @throws IllegalArgumentException if one is not positive
   */
  public Patches withStride(int y, int x) {
    return new Patches(
        height, width, y, x, top, left, bottom, right, dilationY, dilationX, groups, samples, seed);
  }

  /**
   * These patches with other padding.
   *
   * @param top rows above
   * @param left columns before
   * @param bottom rows below
   * @param right columns behind
   * @return new patches
   * @throws IllegalArgumentException if one is negative
   */
  public Patches withPadding(int top, int left, int bottom, int right) {
    return new Patches(
        height, width, strideY, strideX, top, left, bottom, right, dilationY, dilationX, groups,
        samples, seed);
  }

  /**
   * These patches with other dilations.
   *
   * @param y rows
   * @param x columns
   * @return new patches
   * @throws IllegalArgumentException if one is not positive
   */
  public Patches withDilation(int y, int x) {
    return new Patches(
        height, width, strideY, strideX, top, left, bottom, right, y, x, groups, samples, seed);
  }

  /**
   * These patches for a convolution of groups.
   *
   * @param groups of channels
   * @return new patches
   * @throws IllegalArgumentException if it is not positive
   */
  public Patches withGroups(int groups) {
    return new Patches(
        height, width, strideY, strideX, top, left, bottom, right, dilationY, dilationX, groups,
        samples, seed);
  }

  /**
   * These patches at some positions of each image, drawn anew for each.
   *
   * @param samples positions of an image; 0, or as many as there are: all
   * @param seed the same seed gives the same positions, whatever the batches
   * @return new patches
   * @throws IllegalArgumentException if samples is negative
   */
  public Patches withSamples(int samples, long seed) {
    return new Patches(
        height, width, strideY, strideX, top, left, bottom, right, dilationY, dilationX, groups,
        samples, seed);
  }

  /**
   * Rows of the output.
   *
   * @param imageHeight h
   * @return {@code >= 1}
   * @throws IllegalArgumentException if the kernel is larger than the image
   */
  public int outputHeight(long imageHeight) {
    return extent("height", imageHeight + top + bottom, height, dilationY, strideY);
  }

  /**
   * Columns of the output.
   *
   * @param imageWidth w
   * @return {@code >= 1}
   * @throws IllegalArgumentException if the kernel is larger than the image
   */
  public int outputWidth(long imageWidth) {
    return extent("width", imageWidth + left + right, width, dilationX, strideX);
  }

  private static int extent(String name, long padded, int kernel, int dilation, int stride) {
    long reach = (kernel - 1L) * dilation + 1;
    Expect.that(padded >= reach, "images", name + " >= " + reach + " with padding", padded);
    return Math.toIntExact((padded - reach) / stride + 1);
  }

  /**
   * Moments of nothing for such patches.
   *
   * @param device where the layer is quantized
   * @param channels c
   * @return new moments, to be closed by the caller
   * @throws IllegalArgumentException if the groups do not divide the channels
   */
  public SecondMoments moments(Device device, long channels) {
    return SecondMoments.ofGroups(device, groups, columns(channels));
  }

  /** Elements of a patch in one group. */
  long columns(long channels) {
    Expect.that(
        channels >= groups && channels % groups == 0, "groups", "a divisor of " + channels, groups);
    return channels / groups * height * width;
  }

  /**
   * The patches of images, in the order of images and positions (all of them, or the sample that
   * the images have as the first ones).
   *
   * @param images [n,c,h,w] F32, BF16 or F16 on the CPU
   * @param group which group
   * @return F32 [n oh ow, c/groups kh kw], a new tensor to be closed by the caller
   * @throws IllegalArgumentException if the images do not fit, or there is no such group
   */
  public Tensor unfold(Tensor images, int group) {
    PatchReader reader = new PatchReader(this, "images", images);
    Expect.that(group >= 0 && group < groups, "group", "0 to " + (groups - 1), group);
    int rows = rows(reader);
    long count = images.size(0) * rows;
    Tensor out = Tensor.zeros(DType.F32, count, reader.columns());
    try {
      long step = Math.max(1, BLOCK / Math.max(1, (long) rows * reader.columns()));
      for (long from = 0; from < images.size(0); from += step) {
        long to = Math.min(images.size(0), from + step);
        try (Tensor part = out.rows(from * rows, to * rows)) {
          FloatBuffer floats = floats(part);
          for (long image = from; image < to; image++) {
            reader.read(image);
            reader.unfold(group, positions(reader, image * rows), 0, rows, floats);
          }
        }
      }
      return out;
    } catch (RuntimeException | Error e) {
      out.close();
      throw e;
    }
  }

  /**
   * Adds the patches of images to moments.
   *
   * @param context where to compute; on the device of the moments
   * @param moments of {@link #moments}
   * @param images [n,c,h,w] F32, BF16 or F16 on the CPU
   * @throws IllegalArgumentException if an argument does not fit
   * @throws IllegalStateException if an argument is closed
   */
  public void add(Context context, SecondMoments moments, Tensor images) {
    add(context, moments, images, null);
  }

  /**
   * Adds the patches of images of the float network, and of those that the quantized one has in
   * their place.
   *
   * @param context where to compute; on the device of the moments
   * @param moments of {@link #moments}
   * @param images [n,c,h,w] F32, BF16 or F16 on the CPU
   * @param quantized the same images in the quantized network; null: no others
   * @throws IllegalArgumentException if an argument does not fit
   * @throws IllegalStateException if an argument is closed
   */
  public void add(Context context, SecondMoments moments, Tensor images, Tensor quantized) {
    Expect.given("context", context);
    Expect.given("moments", moments);
    PatchReader reader = new PatchReader(this, "images", images);
    PatchReader other =
        quantized == null ? null : new PatchReader(this, "quantized", quantized).like(reader);
    Expect.that(
        moments.groups() == groups && moments.columns() == reader.columns(),
        "moments",
        groups + " groups of " + reader.columns() + " columns",
        moments.groups() + " of " + moments.columns());
    int rows = rows(reader);
    long wide = reader.columns() * groups;
    int block = (int) Math.max(1, Math.min(images.size(0) * rows, BLOCK / wide));
    try (PatchBlock patches = new PatchBlock(context, moments, block, other != null)) {
      for (long image = 0; image < images.size(0); image++) {
        int[] positions = positions(reader, moments.rows() + patches.waiting());
        reader.read(image);
        if (other != null) {
          other.read(image);
        }
        patches.add(reader, other, positions);
      }
      patches.flush();
    }
  }

  /** Positions taken of one image. */
  private int rows(PatchReader reader) {
    return samples == 0 ? reader.positions() : Math.min(samples, reader.positions());
  }

  /** The positions of an image before which {@code before} rows were taken from others. */
  private int[] positions(PatchReader reader, long before) {
    if (samples == 0 || samples >= reader.positions()) {
      return IntStream.range(0, reader.positions()).toArray();
    }
    return new SplittableRandom(seed + before)
        .ints(0, reader.positions())
        .distinct()
        .limit(samples)
        .sorted()
        .toArray();
  }

  /** The memory of an F32 tensor in C order on the CPU. */
  static FloatBuffer floats(Tensor tensor) {
    return tensor.asByteBuffer().asFloatBuffer();
  }
}
