package org.lossmith.quantization;

import java.nio.FloatBuffer;
import java.util.Arrays;
import org.lossmith.Device;
import org.lossmith.Tensor;

/** Unfolds images one by one; they are copied in blocks. */
final class PatchReader {
  private static final int BLOCK = 1 << 18;

  private final Patches patches;
  private final String name;
  private final Tensor images;
  private final int channels;
  private final int height;
  private final int width;
  private final int outputWidth;
  private final int positions;
  private final int columns;

  /** Numbers of an image, [c,h,w]. */
  private final int size;

  /** Images of a block, and where it begins; -1: nowhere yet. */
  private final int blockImages;

  private long blockStart = -1;
  private float[] block;

  /** Where the image that is taken up begins in the block. */
  private int place;

  private final float[] patch;

  PatchReader(Patches patches, String name, Tensor images) {
    Expect.given(name, images);
    Expect.that(
        images.rank() == 4 && images.device().type() == Device.Type.CPU,
        name,
        "[n,c,h,w] on the CPU",
        images);
    this.patches = patches;
    this.name = name;
    this.images = images;
    columns = Math.toIntExact(patches.columns(images.size(1)));
    channels = (int) images.size(1) / patches.groups();
    height = Math.toIntExact(images.size(2));
    width = Math.toIntExact(images.size(3));
    outputWidth = patches.outputWidth(width);
    positions = Math.multiplyExact(patches.outputHeight(height), outputWidth);
    size = Math.toIntExact(images.size(1) * height * width);
    blockImages = (int) Math.max(1, Math.min(images.size(0), BLOCK / Math.max(1, size)));
    patch = new float[columns];
  }

  /** This reader, if its images have the shape of those of another. */
  PatchReader like(PatchReader other) {
    Expect.that(
        Arrays.equals(images.shape(), other.images.shape()),
        name,
        "shape " + Arrays.toString(other.images.shape()),
        images);
    return this;
  }

  /** Positions of an image. */
  int positions() {
    return positions;
  }

  /** Elements of a patch in one group. */
  int columns() {
    return columns;
  }

  /** Takes up an image. */
  void read(long number) {
    long start = number - number % blockImages;
    if (start != blockStart) {
      try (Tensor some = images.rows(start, Math.min(images.size(0), start + blockImages))) {
        block = some.toFloatArray();
      }
      blockStart = start;
    }
    place = (int) (number - start) * size;
  }

  /** Writes the patches of a group at {@code positions[from..to)} one after another. */
  void unfold(int group, int[] positions, int from, int to, FloatBuffer out) {
    for (int i = from; i < to; i++) {
      int y = positions[i] / outputWidth * patches.strideY() - patches.top();
      int x = positions[i] % outputWidth * patches.strideX() - patches.left();
      int at = 0;
      for (int c = group * channels; c < (group + 1) * channels; c++) {
        for (int ky = 0; ky < patches.height(); ky++) {
          at = row(c, y + ky * patches.dilationY(), x, at);
        }
      }
      out.put(patch);
    }
  }

  /** Takes a row of the kernel over one channel, from (y, x) on. */
  private int row(int channel, int y, int x, int at) {
    boolean inside = y >= 0 && y < height;
    int start = inside ? place + (channel * height + y) * width : 0;
    int end = at + patches.width();
    for (int column = x; at < end; at++, column += patches.dilationX()) {
      patch[at] = inside && column >= 0 && column < width ? block[start + column] : 0;
    }
    return at;
  }
}
