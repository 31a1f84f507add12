package org.lossmith;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.management.ThreadMXBean;
import java.lang.management.ManagementFactory;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Steps of optimizers. */
class UpdateTest extends DeviceTest {
  private static final double[] WEIGHTS = {1, -2};
  private static final double[] GRADIENT = {0.5, 0.25};

  /** Weights 1 and -2, gradients 0.5 and 0.25, decay 0.2, rate 0.1. */
  private void expectByHand(Update update, double[] state, double[] weights, double[] newState) {
    try (Context context = Context.of(device());
        Tensor w = there(Tensor.of(WEIGHTS, 1, 2));
        Tensor g = there(Tensor.of(GRADIENT, 1, 2));
        Tensor s = update.newState(w)) {
      if (s != null) {
        s.copyFrom(state);
      }
      update.withWeightDecay(0.2).step(context, g, w, s, 0);
      assertArrayEquals(weights, w.toDoubleArray(), 1e-15);
      if (s != null) {
        assertArrayEquals(newState, s.toDoubleArray(), 1e-15);
      }
    }
  }

  @Test
  void everyRuleByHand() {
    expectByHand(Update.sgd(0.1), null, new double[] {0.93, -1.985}, null);
    expectByHand(
        Update.momentum(0.1, 0.5),
        new double[] {1, -1},
        new double[] {0.88, -1.935},
        new double[] {1.2, -0.65});
    expectByHand(
        Update.adagrad(0.1).withEpsilon(1),
        new double[] {0.51, 0.2275},
        new double[] {0.965, -1.99},
        new double[] {1, 0.25});
    expectByHand(
        Update.lion(0.1, 0.5, 0.75),
        new double[] {1, -1},
        new double[] {0.88, -1.86},
        new double[] {0.875, -0.6875});
    expectByHand(
        Update.adam(0.1, 0.5, 0.75).withEpsilon(1),
        new double[] {1, -1, 0.51, 0.2275},
        new double[] {0.9297888266074684, -1.9374878638526893},
        new double[] {0.85, -0.575, 0.505, 0.17625});
  }

  /** Numbers of independent origin: a step of the normalised softmax. */
  @Test
  void projectedRowsHaveLengthOne() {
    double[] gradient = {
      -1.736367247222, 2.788592089134, -1.502452278767,
      -1.089279786838, -4.365256517817, 2.182718674136
    };
    try (Context context = Context.of(device());
        Tensor w = there(Tensor.of(new double[] {0.6, 0.8, 0, -0.8, 0, 0.6}, 2, 3));
        Tensor g = there(Tensor.of(gradient, 2, 3))) {
      Update.sgd(0.1).withProjectRows(true).step(context, g, w, null, 0);
      double[] expected = {
        0.818823614089, 0.551579794975, 0.159020812428,
        -0.766038704087, 0.483879442774, 0.423137552933
      };
      assertArrayEquals(expected, w.toDoubleArray(), 1e-12);
    }
  }

  @Test
  void rowIdsNameTheRowsAndOtherMemoryTakesThem() {
    try (Context context = Context.of(device());
        Tensor w = there(Tensor.of(new float[] {1, 2, 3, 4, 5, 6}, 3, 2));
        Tensor g = there(Tensor.of(new float[] {10, 10, 20, 20}, 2, 2));
        Tensor ids = there(Tensor.of(new long[] {0, 2}));
        Tensor out = Tensor.zeros(device(), DType.F32, 3, 2)) {
      Update.sgd(0.5).step(context, g, ids, w, null, out, 0);
      assertArrayEquals(new float[] {-4, -3, 0, 0, -5, -4}, out.toFloatArray());
      assertArrayEquals(new float[] {1, 2, 3, 4, 5, 6}, w.toFloatArray());
    }
  }

  private static float[] normals(int count, long seed) {
    Random random = new Random(seed);
    float[] values = new float[count];
    for (int i = 0; i < count; i++) {
      values[i] = (float) random.nextGaussian();
    }
    return values;
  }

  /** Weights after two steps on a device. */
  private static float[] twoSteps(Device device, Update update, DType dtype, int threads) {
    try (Context context = Context.builder().device(device).threads(threads).build();
        Tensor w = Tensor.of(device, dtype, normals(30 * 21, 1), 30, 21);
        Tensor g = Tensor.of(device, DType.F32, normals(30 * 21, 2), 30, 21);
        Tensor state = update.newState(w)) {
      update.step(context, g, w, state, 5);
      update.step(context, g, w, state, 6);
      return w.toFloatArray();
    }
  }

  @ParameterizedTest
  @EnumSource(names = {"F32", "BF16", "F16"})
  void theDeviceAndTheThreadsDoNotMatter(DType dtype) {
    for (Update rule :
        new Update[] {
          Update.sgd(0.1),
          Update.momentum(0.1),
          Update.adagrad(0.1),
          Update.lion(0.01),
          Update.adam(0.01)
        }) {
      for (boolean project : new boolean[] {false, true}) {
        Update update = rule.withProjectRows(project).withWeightDecay(0.01);
        if (dtype != DType.F32) {
          update = update.withStochasticRounding(99);
        }
        float[] expected = twoSteps(Device.cpu(), update, dtype, 1);
        assertArrayEquals(expected, twoSteps(device(), update, dtype, 2), update.toString());
      }
    }
  }

  @Test
  void smallStepsOfStochasticRoundingAddUp() {
    float[] ones = new float[64 * 64];
    float[] gradients = new float[64 * 64];
    Arrays.fill(ones, 1);
    Arrays.fill(gradients, -1.0f / 4096);
    try (Context context = Context.of(device());
        Tensor random = Tensor.of(device(), DType.BF16, ones, 64, 64);
        Tensor nearest = Tensor.of(device(), DType.BF16, ones, 64, 64);
        Tensor g = Tensor.of(device(), DType.F32, gradients, 64, 64)) {
      Update update = Update.sgd(1);
      for (long step = 0; step < 32; step++) {
        update.withStochasticRounding(7).step(context, g, random, null, step);
        update.step(context, g, nearest, null, step);
      }
      double mean = Arrays.stream(random.toDoubleArray()).average().orElse(0);
      assertEquals(1 + 32.0 / 4096, mean, 0.0005);
      assertArrayEquals(ones, nearest.toFloatArray());
    }
  }

  @Test
  void refusesByName() {
    try (Context context = Context.of(device());
        Tensor w = Tensor.zeros(device(), DType.F32, 3, 2);
        Tensor g = Tensor.zeros(device(), DType.F32, 3, 2);
        Tensor half = Tensor.zeros(device(), DType.F16, 3, 2);
        Tensor narrow = Tensor.zeros(device(), DType.F32, 3, 1)) {
      Update sgd = Update.sgd(0.1);
      Update momentum = Update.momentum(0.1);
      expect("gradient: expected a value", () -> sgd.step(context, null, w, null, 0));
      expect("gradient: expected [3,2], got [3,1]", () -> sgd.step(context, narrow, w, null, 0));
      expect("gradient: expected f32, got f16", () -> sgd.step(context, half, w, null, 0));
      expect("state: expected NULL", () -> sgd.step(context, g, w, half, 0));
      expect("state: expected a tensor", () -> momentum.step(context, g, w, null, 0));
      expect("state: expected f32, got f16", () -> momentum.step(context, g, w, half, 0));
      expect(
          "new_weights: expected f32, got f16", () -> sgd.step(context, g, null, w, null, half, 0));
      expect("new_weights: expected memory", () -> sgd.step(context, w, null, g, null, w, 0));
      expect(
          "weights: expected bf16 or f16",
          () -> sgd.withStochasticRounding(1).step(context, g, w, null, 0));
    }
    assertThrows(
        IllegalStateException.class,
        () -> {
          try (Context context = Context.of(device())) {
            Tensor closed = Tensor.zeros(device(), DType.F32, 1, 1);
            closed.close();
            Update.sgd(1).step(context, closed, closed, null, 0);
          }
        });
  }

  private static void expect(String message, Runnable call) {
    String got = assertThrows(IllegalArgumentException.class, call::run).getMessage();
    assertTrue(got.startsWith(message), got);
  }

  @Test
  void componentsAreChecked() {
    expect("learningRate: ", () -> Update.sgd(-1));
    expect("momentum: expected a value in [0, 1)", () -> Update.momentum(1, 1));
    expect("beta2: expected a value in [0, 1)", () -> Update.lion(1, 0.5, -1));
    expect("beta2: expected a value in [0, 1)", () -> Update.adam(1, 0.5, 1));
    expect("epsilon: ", () -> Update.adagrad(1).withEpsilon(0));
    expect("epsilon: ", () -> Update.adam(1).withEpsilon(-1));
    expect("epsilon: expected 0 for this rule", () -> Update.sgd(1).withEpsilon(1));
    expect("weightDecay: ", () -> Update.sgd(1).withWeightDecay(Double.NaN));
    expect(
        "momentum: expected 0 for this rule",
        () -> new Update(Update.Rule.SGD, 1, 0.5, 0, 0, 0, false, false, 0));
    Update full =
        Update.momentum(1, 0.5)
            .withLearningRate(2)
            .withWeightDecay(3)
            .withProjectRows(true)
            .withStochasticRounding(4);
    assertEquals(new Update(Update.Rule.MOMENTUM, 2, 0.5, 0, 0, 3, true, true, 4), full);
    assertEquals(Update.momentum(1), Update.momentum(1, 0.9));
    assertEquals(Update.lion(1), Update.lion(1, 0.9, 0.99));
    assertEquals(Update.adam(1), Update.adam(1, 0.9, 0.999));
    assertEquals(1e-10, Update.adagrad(1).epsilon());
    assertEquals(1e-8, Update.adam(1).epsilon());
  }

  @Test
  void statesAreZerosBesideTheWeights() {
    try (Tensor w = Tensor.zeros(device(), DType.BF16, 2, 3);
        Tensor exact = Tensor.zeros(device(), DType.F64, 2, 3);
        Tensor state = Update.lion(1).newState(w);
        Tensor wide = Update.adagrad(1).newState(exact);
        Tensor twice = Update.adam(1).newState(w)) {
      assertEquals(DType.F32, state.dtype());
      assertEquals(device(), state.device());
      assertEquals(DType.F64, wide.dtype());
      assertNull(Update.sgd(1).newState(w));
      assertArrayEquals(new long[] {2, 6}, twice.shape());
      try (Tensor line = Tensor.zeros(device(), DType.F32, 3)) {
        expect("weights: expected a matrix", () -> Update.adam(1).newState(line));
      }
    }
  }

  @Test
  void aWarmStepAllocatesNothingOnTheHeap() {
    ThreadMXBean bean = (ThreadMXBean) ManagementFactory.getThreadMXBean();
    long thread = Thread.currentThread().getId();
    Update update = Update.momentum(1e-3);
    try (Context context = Context.builder().device(device()).threads(1).build();
        Tensor w = Tensor.zeros(device(), DType.F32, 8, 16);
        Tensor g = Tensor.zeros(device(), DType.F32, 8, 16);
        Tensor state = update.newState(w)) {
      for (int i = 0; i < times(5_000, 50); i++) {
        update.step(context, g, w, state, i);
      }
      long least = Long.MAX_VALUE;
      for (int round = 0; round < 5; round++) {
        long before = bean.getThreadAllocatedBytes(thread);
        for (int i = 0; i < times(1_000, 5); i++) {
          update.step(context, g, w, state, i);
        }
        least = Math.min(least, bean.getThreadAllocatedBytes(thread) - before);
      }
      assertEquals(0, least, "bytes on the Java heap by warm steps");
    }
  }
}
