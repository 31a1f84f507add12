package org.lossmith;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicReference;
import java.util.logging.Handler;
import java.util.logging.LogRecord;
import java.util.logging.Logger;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Closing during use is safe, and what is lost is found. */
@Timeout(120)
class LifetimeTest extends DeviceTest {
  private static final int THREADS = 4;

  /** Runs a task in threads until one fails or it says that it is done. */
  private static void hammer(Task task, Runnable close) throws InterruptedException {
    AtomicReference<Throwable> failure = new AtomicReference<>();
    CountDownLatch started = new CountDownLatch(THREADS);
    List<Thread> threads = new ArrayList<>();
    for (int i = 0; i < THREADS; i++) {
      Thread thread =
          new Thread(
              () -> {
                try {
                  task.run();
                  started.countDown();
                  while (true) {
                    task.run();
                  }
                } catch (IllegalStateException e) {
                  started.countDown(); // The only failure that closing may cause.
                } catch (Throwable e) {
                  failure.compareAndSet(null, e);
                  started.countDown();
                }
              });
      thread.start();
      threads.add(thread);
    }
    started.await();
    close.run();
    for (Thread thread : threads) {
      thread.join();
    }
    assertNull(failure.get(), () -> "unexpected: " + failure.get());
  }

  private interface Task {
    void run() throws Exception;
  }

  @RepeatedTest(20)
  void aTensorIsClosedDuringCopies() throws InterruptedException {
    Tensor tensor = there(Tensor.of(new float[1000], 100, 10));
    hammer(
        () -> {
          tensor.toDoubleArray();
          try (Tensor rows = tensor.rows(1, 3)) {
            rows.toFloatArray();
          }
        },
        tensor::close);
  }

  @RepeatedTest(20)
  void anInputIsClosedDuringEvaluation() throws InterruptedException {
    Tensor x = there(Tensor.of(new float[64 * 16], 64, 16));
    try (Context context = Context.of(device())) {
      hammer(() -> InfoNce.of(1).evaluate(context, x, x).close(), x::close);
    }
  }

  @RepeatedTest(20)
  void aResultIsClosedDuringEvaluation() throws InterruptedException {
    InfoNce loss = InfoNce.symmetric(1);
    try (Context context = Context.of(device());
        Tensor x = there(Tensor.of(new float[64 * 16], 64, 16))) {
      ContrastiveInputs inputs = ContrastiveInputs.of(x, x);
      LossResult result = loss.result(inputs, "x", "y");
      hammer(
          () -> {
            loss.evaluate(context, inputs, result);
            result.loss();
          },
          result::close);
    }
  }

  @RepeatedTest(20)
  void setsAreClosedDuringAStepOfTheLabels() throws InterruptedException {
    DecoupledSoftmax loss = DecoupledSoftmax.of(1);
    LabelSets positives = LabelSets.of(device(), new long[65], new long[0]);
    try (Context context = Context.of(device());
        Tensor x = there(Tensor.of(new float[64 * 16], 64, 16));
        Tensor labels = there(Tensor.of(new float[64 * 16], 64, 16));
        Tensor state = Tensor.zeros(device(), DType.F32, 64, 16)) {
      LabelInputs inputs = LabelInputs.of(x, labels, positives);
      Update adagrad = Update.adagrad(0.1);
      hammer(
          () -> loss.evaluateAndUpdate(context, inputs, adagrad, state, 0, "x").close(),
          positives::close);
    }
  }

  @RepeatedTest(20)
  void aMatrixOfCodesIsClosedDuringProducts() throws InterruptedException {
    PowerQuantizer quantizer = PowerQuantizer.of(4);
    try (Context context = Context.of(device());
        Tensor w = there(Tensor.of(new float[32 * 16], 32, 16));
        PowerParameters parameters = quantizer.parameters(context, w, 0.5)) {
      PowerMatrix matrix = PowerMatrix.of(context, quantizer, w, parameters);
      hammer(() -> matrix.multiply(context, w).close(), matrix::close);
    }
  }

  @RepeatedTest(20)
  void aContextIsClosedDuringEvaluation() throws InterruptedException {
    Context context = Context.of(device());
    try (Tensor x = there(Tensor.of(new float[64 * 16], 64, 16))) {
      hammer(() -> InfoNce.of(1).evaluate(context, x, x).close(), context::close);
    }
  }

  @RepeatedTest(5)
  void manyThreadsCloseTheSameTensorOnce() throws InterruptedException {
    Tensor tensor = Tensor.zeros(device(), DType.F32, 10);
    List<Thread> threads = new ArrayList<>();
    for (int i = 0; i < THREADS; i++) {
      threads.add(new Thread(tensor::close));
    }
    threads.forEach(Thread::start);
    for (Thread thread : threads) {
      thread.join();
    }
    assertTrue(tensor.isClosed());
  }

  @Test
  void aResultClosesItsTensors() {
    try (Context context = Context.of(device());
        Tensor x = there(Tensor.of(new float[8], 4, 2))) {
      LossResult result = InfoNce.of(1).evaluate(context, x, x);
      Tensor gradient = result.gradient("x");
      assertFalse(gradient.isClosed());
      result.close();
      result.close();
      assertTrue(gradient.isClosed());
      assertFalse(x.isClosed());
    }
  }

  @Test
  void aLostTensorIsFreedCountedAndReportedWithItsOrigin() throws InterruptedException {
    long before = Lossmith.leaks();
    List<LogRecord> log = new CopyOnWriteArrayList<>();
    Logger logger = Logger.getLogger("org.lossmith");
    Handler handler = new Recorder(log);
    logger.addHandler(handler);
    logger.setUseParentHandlers(false);
    try {
      LeakCheck.expectOneMoreLeak();
      Tensor.zeros(device(), DType.F32, 1000);
      assertEquals(1, Lossmith.liveTensors());
      for (int i = 0; i < 100 && (log.isEmpty() || Lossmith.liveTensors() > 0); i++) {
        System.gc();
        Thread.sleep(20);
      }
    } finally {
      logger.setUseParentHandlers(true);
      logger.removeHandler(handler);
    }
    assertEquals(before + 1, Lossmith.leaks());
    assertEquals(0, Lossmith.liveBytes());
    assertEquals(1, log.size());
    assertEquals(
        "tensor F32[1000] was not closed; its memory is freed only now", log.get(0).getMessage());
    // The tests run with lossmith.leak=trace.
    assertTrue(
        Arrays.stream(log.get(0).getThrown().getStackTrace())
            .anyMatch(frame -> frame.getClassName().equals(LifetimeTest.class.getName())));
  }

  /** Keeps what is logged. */
  private static final class Recorder extends Handler {
    private final List<LogRecord> records;

    Recorder(List<LogRecord> records) {
      this.records = records;
    }

    @Override
    public void publish(LogRecord log) {
      records.add(log);
    }

    @Override
    public void flush() {}

    @Override
    public void close() {}
  }

  @Test
  void viewsKeepALostParentFromLeaking() throws InterruptedException {
    long before = Lossmith.leaks();
    Tensor parent = there(Tensor.of(new float[] {1, 2, 3, 4}, 2, 2));
    try (Tensor view = parent.rows(1, 2)) {
      parent.close();
      System.gc();
      Thread.sleep(50);
      assertEquals(4, view.toFloatArray()[1]);
    }
    assertEquals(before, Lossmith.leaks());
  }
}
