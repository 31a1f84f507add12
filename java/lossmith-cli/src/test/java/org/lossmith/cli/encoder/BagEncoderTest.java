package org.lossmith.cli.encoder;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ForkJoinPool;
import org.junit.jupiter.api.Test;
import org.lossmith.cli.data.Features;

class BagEncoderTest {
  private static final int BUCKETS = 256;
  private static final int WIDTH = 8;

  private final Features features =
      Features.of(List.of("Deutschland", "Allemagne", "ドイツ", "Германия", "Tyskland"), BUCKETS);

  @Test
  void aNameIsTheMeanOfItsNGrams() {
    BagEncoder encoder = new BagEncoder(BUCKETS, WIDTH, 1);
    Features single = new Features(new int[] {0, 1, 2}, new int[] {7, 9}, BUCKETS);
    Features pair = new Features(new int[] {0, 2}, new int[] {7, 9}, BUCKETS);
    float[] apart = encode(encoder, single, 0, 1);
    float[] mean = encode(encoder, pair, 0);
    for (int d = 0; d < WIDTH; d++) {
      assertEquals((apart[d] + apart[WIDTH + d]) / 2, mean[d], 1e-7);
    }
  }

  @Test
  void aRowWithValuesIsTheirSum() {
    BagEncoder encoder = new BagEncoder(BUCKETS, WIDTH, 1);
    Features single = new Features(new int[] {0, 1, 2}, new int[] {7, 9}, BUCKETS);
    float[] values = {0.5f, -2};
    Features pair = new Features(new int[] {0, 2}, new int[] {7, 9}, values, BUCKETS);
    float[] apart = encode(encoder, single, 0, 1);
    float[] sum = encode(encoder, pair, 0);
    for (int d = 0; d < WIDTH; d++) {
      assertEquals(0.5f * apart[d] - 2 * apart[WIDTH + d], sum[d], 1e-7);
    }
    // A step of a gradient of ones moves each vector by the rate against the sign of its value.
    float[] gradient = new float[WIDTH];
    Arrays.fill(gradient, 1f);
    encoder.learn(pair, new int[] {0}, gradient, 0.01);
    float[] after = encode(encoder, single, 0, 1);
    for (int d = 0; d < WIDTH; d++) {
      assertEquals(apart[d] - 0.01, after[d], 1e-5);
      assertEquals(apart[WIDTH + d] + 0.01, after[WIDTH + d], 1e-5);
    }
  }

  @Test
  void aTableThatNoArrayHoldsIsRefused() {
    IllegalArgumentException e =
        assertThrows(IllegalArgumentException.class, () -> new BagEncoder(1 << 28, 8, 1));
    assertTrue(e.getMessage().startsWith("dimension: expected a table of at most"));
  }

  @Test
  void aStepGoesDownTheGradient() {
    BagEncoder encoder = new BagEncoder(BUCKETS, WIDTH, 1);
    int[] rows = {0, 1, 2, 3, 4, 0};
    float[] gradient = new float[rows.length * WIDTH];
    Arrays.fill(gradient, 1f);
    float[] before = encode(encoder, features, rows);
    encoder.learn(features, rows, gradient, 0.01);
    float[] after = encode(encoder, features, rows);
    for (int i = 0; i < before.length; i++) {
      // The first step of Adagrad along a gradient of equal components has the length of the rate.
      assertEquals(before[i] - 0.01, after[i], 1e-5);
    }
  }

  @Test
  void threadsDoNotChangeAStep() throws InterruptedException, ExecutionException {
    Random random = new Random(3);
    int[] rows = random.ints(500, 0, features.rows()).toArray();
    float[] gradient = new float[rows.length * WIDTH];
    for (int i = 0; i < gradient.length; i++) {
      gradient[i] = (float) random.nextGaussian();
    }
    float[] alone = stepped(rows, gradient, 1);
    assertArrayEquals(alone, stepped(rows, gradient, 4));
    assertTrue(alone[0] != encode(new BagEncoder(BUCKETS, WIDTH, 1), features, 0)[0]);
  }

  private float[] stepped(int[] rows, float[] gradient, int threads)
      throws InterruptedException, ExecutionException {
    ForkJoinPool pool = new ForkJoinPool(threads);
    try {
      return pool.submit(
              () -> {
                BagEncoder encoder = new BagEncoder(BUCKETS, WIDTH, 1);
                encoder.learn(features, rows, gradient, 0.1);
                encoder.learn(features, rows, gradient, 0.1);
                return encode(encoder, features, 0, 1, 2, 3, 4);
              })
          .get();
    } finally {
      pool.shutdown();
    }
  }

  private static float[] encode(BagEncoder encoder, Features features, int... rows) {
    float[] out = new float[rows.length * WIDTH];
    encoder.encode(features, rows, out);
    return out;
  }
}
