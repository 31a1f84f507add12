package org.lossmith.bench.labels;

import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;

/**
 * Which tiles the gradient filter passes over, worked out from the definition: tiles of {@value
 * #TILE_ROWS} x {@value #TILE_COLUMNS} coefficients of softmax CE, none of which is beyond the
 * threshold.
 */
@SuppressWarnings("try") // A PointerScope works by being open; nothing refers to it.
final class FilterTiles {
  /** Sizes that the documentation of the filter states. */
  private static final int TILE_ROWS = 96;

  private static final int TILE_COLUMNS = 512;

  private FilterTiles() {}

  /** Share of the tiles; the number of labels is a multiple of the tile's. */
  static double skipped(
      float[] x, long[] target, float[] labels, int width, double temperature, double filter) {
    long l = labels.length / width;
    long tiles = 0;
    double skipped = 0;
    try (PointerScope scope = new PointerScope()) {
      Tensor all = Tensor.create(x, target.length, width);
      Tensor table = Tensor.create(labels, l, width);
      Tensor ids = Tensor.create(target, target.length);
      for (long begin = 0; begin < target.length; begin += TILE_ROWS) {
        long rows = Math.min(TILE_ROWS, target.length - begin);
        Tensor scores =
            torch.matmul(all.narrow(0, begin, rows), table.t()).mul_(new Scalar(1 / temperature));
        Tensor share = scores.softmax(1);
        Tensor wanted = ids.narrow(0, begin, rows).unsqueeze(1);
        share.scatter_add_(1, wanted, torch.ones_like(wanted).to(torch.ScalarType.Float).neg());
        Tensor largest = share.abs_().view(rows, -1, TILE_COLUMNS).amax(new long[] {0, 2}, false);
        tiles += largest.numel();
        skipped += largest.le(new Scalar(filter)).sum().item_double();
      }
    }
    return skipped / tiles;
  }
}
