package org.lossmith.cli.train;

import java.util.SplittableRandom;
import org.lossmith.DType;
import org.lossmith.Device;
import org.lossmith.Tensor;
import org.lossmith.cli.encoder.BagEncoder;

/**
 * What is trained: an encoder of the points, and a table with a vector for each label, with the
 * states of their optimizers.
 */
public final class LabelModel implements AutoCloseable {
  private final BagEncoder encoder;
  private final Tensor labels;
  private final Tensor labelState;

  /**
   * Creates a model with random vectors; rows of the table are of norm about 1.
   *
   * @param buckets number of features
   * @param labelCount number of labels
   * @param device where the table is
   */
  public LabelModel(TrainSettings settings, int buckets, int labelCount, Device device) {
    int width = settings.dimension();
    encoder = new BagEncoder(buckets, width, settings.seed());
    Tensor table = Tensor.zeros(device, DType.F32, labelCount, width);
    try {
      randomise(table, settings.seed());
      labelState = settings.update().update(settings.labelRate()).newState(table);
    } catch (RuntimeException | Error e) {
      table.close();
      throw e;
    }
    labels = table;
  }

  /** Begins with given vectors of the labels. */
  public void labels(float[] vectors) {
    labels.copyFrom(vectors);
  }

  private static void randomise(Tensor table, long seed) {
    int width = (int) table.size(1);
    // Of another sequence than the encoder's, whose seed is the same.
    SplittableRandom random = new SplittableRandom(seed ^ 0x6C6162656C73L);
    float deviation = (float) Math.sqrt(12.0 / width);
    Blocks.write(
        table,
        block -> {
          for (int i = 0; i < block.length; i++) {
            block[i] = deviation * (float) (random.nextDouble() - 0.5);
          }
        });
  }

  /** The encoder of the points. */
  public BagEncoder encoder() {
    return encoder;
  }

  /** The vectors of the labels, {@code [labels, dimension]}. */
  public Tensor labels() {
    return labels;
  }

  /** The state of the labels' optimizer, as the update makes it; null if it has none. */
  public Tensor labelState() {
    return labelState;
  }

  /** Bytes of encoder, labels and states. */
  public long bytes() {
    return encoder.bytes() + labels.bytes() + (labelState == null ? 0 : labelState.bytes());
  }

  @Override
  public void close() {
    labels.close();
    if (labelState != null) {
      labelState.close();
    }
  }
}
