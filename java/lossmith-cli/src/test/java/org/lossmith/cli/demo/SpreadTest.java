package org.lossmith.cli.demo;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.junit.jupiter.api.Test;
import org.lossmith.Device;
import org.lossmith.cli.LeakFreeTest;
import org.lossmith.cli.data.Examples;
import org.lossmith.cli.data.Features;
import org.lossmith.cli.train.LabelModel;
import org.lossmith.cli.train.LossKind;
import org.lossmith.cli.train.TrainSettings;
import org.lossmith.cli.train.UpdateKind;

class SpreadTest extends LeakFreeTest {
  private static final int WIDTH = 3;

  @Test
  void isTheDifferenceOfTheExtremeScoresOfTheRightLabels() {
    TrainSettings settings =
        new TrainSettings(
            LossKind.SUPCON, UpdateKind.SGD, 1, 1, WIDTH, 0.5, true, 1, 1, 5, 2, 0, 0, 1);
    try (LabelModel model = new LabelModel(settings, 1, 4, Device.cpu())) {
      float[] x = model.encoder().table();
      // Cosines 1, -1, 0 and 1; label 3 is right for no name.
      float[] across = {x[1], -x[0], 0};
      float[] labels = new float[4 * WIDTH];
      for (int d = 0; d < WIDTH; d++) {
        labels[d] = 2 * x[d];
        labels[WIDTH + d] = -x[d];
        labels[2 * WIDTH + d] = across[d];
        labels[3 * WIDTH + d] = x[d];
      }
      model.labels(labels);
      assertEquals((1 - -1) / 0.5, Spread.of(model, names(new int[] {0, 3}, 0, 1, 2), 0.5), 1e-6);
      assertEquals(1 / 0.5, Spread.of(model, names(new int[] {0, 2}, 2, 0), 0.5), 1e-6);
      assertEquals(
          (2 / 0.5 + 1 / 0.5) / 2,
          Spread.of(model, names(new int[] {0, 3, 5}, 0, 1, 2, 2, 0), 0.5),
          1e-6);
    }
  }

  private static Examples names(int[] offsets, int... labels) {
    int rows = offsets.length - 1;
    int[] starts = new int[rows + 1];
    for (int i = 0; i <= rows; i++) {
      starts[i] = i;
    }
    return new Examples(new Features(starts, new int[rows], 1), offsets, labels, 4);
  }
}
