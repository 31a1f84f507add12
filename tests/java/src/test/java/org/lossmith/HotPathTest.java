package org.lossmith;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.management.ThreadMXBean;
import java.lang.management.ManagementFactory;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Repeated use: no garbage, no growth, the same bits. */
@Timeout(120)
class HotPathTest extends DeviceTest {
  private Tensor random(DType dtype, int rows, int columns, long seed) {
    Random random = new Random(seed);
    float[] values = new float[rows * columns];
    for (int i = 0; i < values.length; i++) {
      values[i] = (float) (random.nextGaussian() / Math.sqrt(columns));
    }
    return there(Tensor.of(dtype, values, rows, columns));
  }

  @Test
  void aWarmCallAllocatesNothingOnTheHeap() {
    try (Context context = Context.builder().device(device()).threads(1).build();
        Tensor x = random(DType.F32, 64, 64, 1);
        Tensor y = random(DType.F32, 64, 64, 2)) {
      ContrastiveInputs plain = ContrastiveInputs.of(x, y);
      ContrastiveInputs referenced = plain.reference(x);
      InfoNce infoNce = InfoNce.symmetric(0.1);
      Cwcl cwcl = Cwcl.of(0.1);
      try (LossResult first = infoNce.result(plain, "x", "y");
          LossResult second = cwcl.result(referenced, "x", "y", "row_loss")) {
        Runnable calls =
            () -> {
              infoNce.evaluate(context, plain, first);
              cwcl.evaluate(context, referenced, second);
              first.loss();
            };
        for (int i = 0; i < times(2_000, 30); i++) {
          calls.run();
        }
        int measured = times(1_000, 5);
        assertEquals(0, allocated(calls, measured), "bytes on the Java heap by warm calls");
      }
    }
  }

  @Test
  void aWarmCallOverLabelsAllocatesNothingOnTheHeap() {
    long[] offsets = new long[33];
    Arrays.setAll(offsets, i -> i);
    try (Context context = Context.builder().device(device()).threads(1).build();
        Tensor x = random(DType.F32, 32, 16, 1);
        Tensor labels = random(DType.F32, 64, 16, 2);
        Tensor target = there(Tensor.of(Arrays.copyOf(offsets, 32)));
        LabelSets positives = LabelSets.of(device(), offsets, Arrays.copyOf(offsets, 32))) {
      DecoupledSoftmax decoupled = DecoupledSoftmax.of(0.1);
      SoftmaxCrossEntropy softmax = SoftmaxCrossEntropy.of(0.1);
      LabelInputs many = LabelInputs.of(x, labels, positives);
      LabelInputs one = LabelInputs.of(x, labels, target);
      try (LossResult first = decoupled.result(many, "x", "labels");
          LossResult second = softmax.result(one, "x", "row_loss")) {
        Runnable calls =
            () -> {
              decoupled.evaluate(context, many, first);
              softmax.evaluate(context, one, second);
              first.loss();
            };
        for (int i = 0; i < times(2_000, 20); i++) {
          calls.run();
        }
        int measured = times(1_000, 5);
        assertEquals(0, allocated(calls, measured), "bytes on the Java heap by warm calls");
      }
    }
  }

  @Test
  void aWarmStepOfTheLabelsAllocatesNothingOnTheHeap() {
    long[] offsets = new long[33];
    Arrays.setAll(offsets, i -> i);
    try (Context context = Context.builder().device(device()).threads(1).build();
        Tensor x = random(DType.F32, 32, 16, 1);
        Tensor labels = random(DType.F32, 64, 16, 2);
        Tensor state = Tensor.zeros(device(), DType.F32, 64, 16);
        LabelSets positives = LabelSets.of(device(), offsets, Arrays.copyOf(offsets, 32))) {
      DecoupledSoftmax loss = DecoupledSoftmax.of(1);
      Update adagrad = Update.adagrad(1e-3);
      LabelInputs inputs = LabelInputs.of(x, labels, positives);
      try (LossResult result = loss.result(inputs, "x")) {
        long[] step = {0};
        Runnable calls =
            () -> loss.evaluateAndUpdate(context, inputs, adagrad, state, step[0]++, result);
        for (int i = 0; i < times(2_000, 20); i++) {
          calls.run();
        }
        int measured = times(1_000, 5);
        assertEquals(0, allocated(calls, measured), "bytes on the Java heap by warm calls");
      }
    }
  }

  @Test
  void aWarmSearchAllocatesNothingOnTheHeap() {
    try (Context context = Context.builder().device(device()).threads(1).build();
        Tensor x = random(DType.F32, 4, 16, 3);
        Tensor labels = random(DType.F32, 300, 16, 4);
        LabelSets known = LabelSets.of(device(), new long[] {0, 1, 1, 2, 2}, new int[] {7, 8})) {
      TopKInputs inputs = TopKInputs.of(x, labels).excluded(known);
      TopK search = TopK.cosine(5);
      try (TopKResult result = search.result(inputs)) {
        Runnable call = () -> search.search(context, inputs, result);
        for (int i = 0; i < times(2_000, 30); i++) {
          call.run();
        }
        int measured = times(1_000, 5);
        assertEquals(0, allocated(call, measured), "bytes on the Java heap by warm searches");
      }
    }
  }

  @Test
  void aWarmQuantizationAllocatesNothingOnTheHeap() {
    PowerQuantizer quantizer =
        PowerQuantizer.of(4).withGroups(Groups.perChannel(0)).withGradient(PowerGradient.EXACT);
    try (Context context = Context.builder().device(device()).threads(1).build();
        Tensor w = random(DType.F32, 16, 32, 5);
        Tensor x = random(DType.F32, 2, 32, 6);
        Tensor out = Tensor.zeros(device(), DType.F32, 16, 32);
        Tensor gradient = Tensor.zeros(device(), DType.F32, 16, 32);
        Tensor ofScale = Tensor.zeros(device(), DType.F32, 16);
        Tensor ofExponent = Tensor.zeros(device(), DType.F32, 1);
        Tensor product = Tensor.zeros(device(), DType.F32, 2, 16);
        PowerParameters parameters = quantizer.parameters(context, w, 0.5);
        PowerMatrix matrix = PowerMatrix.of(context, quantizer, w, parameters)) {
      Runnable calls =
          () -> {
            quantizer.fakeQuantize(
                context, w, parameters, w, out, null, gradient, ofScale, ofExponent);
            matrix.multiply(context, x, null, product);
          };
      for (int i = 0; i < times(2_000, 20); i++) {
        calls.run();
      }
      int measured = times(1_000, 5);
      assertEquals(0, allocated(calls, measured), "bytes on the Java heap by warm calls");
    }
  }

  /** The least of several measurements: class loading and compilation may add to one of them. */
  private static long allocated(Runnable task, int times) {
    ThreadMXBean bean = (ThreadMXBean) ManagementFactory.getThreadMXBean();
    long thread = Thread.currentThread().getId();
    long least = Long.MAX_VALUE;
    for (int round = 0; round < 5; round++) {
      long before = bean.getThreadAllocatedBytes(thread);
      for (int i = 0; i < times; i++) {
        task.run();
      }
      least = Math.min(least, bean.getThreadAllocatedBytes(thread) - before);
    }
    return least;
  }

  @Test
  void aWarmCallKeepsTheWorkspace() {
    try (Context context = Context.of(device());
        Tensor x = random(DType.F32, times(300, 40), 32, 1);
        LossResult result = InfoNce.symmetric(0.1).evaluate(context, x, x)) {
      long held = context.workspaceBytes();
      assertTrue(held > 0 && held <= context.budget(), "workspace " + held);
      InfoNce.symmetric(0.1).evaluate(context, ContrastiveInputs.of(x, x), result);
      assertEquals(held, context.workspaceBytes());
    }
  }

  @Test
  void manyThreadsShareAContextAndInputsAndGetTheSameBits() throws Exception {
    try (Context shared = Context.of(device());
        Tensor x = random(DType.F32, 100, 24, 3);
        Tensor y = random(DType.F32, 100, 24, 4)) {
      float[] expected;
      double loss;
      try (LossResult r = InfoNce.symmetric(0.2).evaluate(shared, x, y)) {
        expected = r.gradient("x").toFloatArray();
        loss = r.loss();
      }
      ExecutorService pool = Executors.newFixedThreadPool(4);
      List<Future<?>> done = new ArrayList<>();
      for (int thread = 0; thread < 4; thread++) {
        boolean own = thread % 2 == 0;
        done.add(
            pool.submit(
                () -> {
                  try (Context mine = Context.builder().device(device()).threads(1).build()) {
                    for (int i = 0; i < times(50, 4); i++) {
                      Context context = own ? mine : shared;
                      // Another loss in between: hyperparameters must not stick to the context.
                      Cwcl.of(0.3 + i).evaluate(context, x, y, x).close();
                      try (LossResult r = InfoNce.symmetric(0.2).evaluate(context, x, y)) {
                        assertEquals(loss, r.loss());
                        assertArrayEquals(expected, r.gradient("x").toFloatArray());
                      }
                    }
                  }
                }));
      }
      for (Future<?> future : done) {
        future.get();
      }
      pool.shutdown();
    }
  }

  @Test
  void threadsBudgetAndPlanDoNotChangeABit() {
    try (Tensor x = random(DType.F32, times(700, 90), 48, 5);
        Tensor y = random(DType.F32, times(750, 110), 48, 6)) {
      ContrastiveInputs inputs = ContrastiveInputs.of(x, y);
      float[] expected = null;
      double loss = 0;
      for (int threads : new int[] {1, 2, 3}) {
        for (Plan plan : new Plan[] {Plan.STORE, Plan.RECOMPUTE}) {
          for (long budget : new long[] {16L << 20, 256L << 20}) {
            try (Context c =
                    Context.builder().device(device()).threads(threads).budget(budget).build();
                LossResult r =
                    InfoNce.symmetric(0.1).withPlan(plan).evaluate(c, inputs, "x", "y")) {
              if (expected == null) {
                expected = r.gradient("y").toFloatArray();
                loss = r.loss();
              }
              assertEquals(loss, r.loss());
              assertArrayEquals(expected, r.gradient("y").toFloatArray());
            }
          }
        }
      }
    }
  }

  @Test
  void theSameResultServesManyCalls() {
    try (Context context = Context.of(device());
        Tensor x = random(DType.F32, 10, 4, 7);
        Tensor y = random(DType.F32, 10, 4, 8)) {
      ContrastiveInputs inputs = ContrastiveInputs.of(x, y);
      try (LossResult reused = InfoNce.of(1).result(inputs, "x");
          LossResult once = InfoNce.of(0.5).evaluate(context, inputs, "x")) {
        InfoNce.of(1).evaluate(context, inputs, reused);
        InfoNce.of(0.5).evaluate(context, inputs, reused);
        assertEquals(once.loss(), reused.loss());
        assertArrayEquals(once.gradient("x").toFloatArray(), reused.gradient("x").toFloatArray());
      }
    }
  }
}
