package org.lossmith.bench.micro;

import java.util.concurrent.TimeUnit;
import org.lossmith.Context;
import org.lossmith.ContrastiveInputs;
import org.lossmith.InfoNce;
import org.lossmith.LossResult;
import org.lossmith.Tensor;
import org.lossmith.bench.contrastive.Problem;
import org.lossmith.bench.provider.ElementType;
import org.lossmith.internal.ContextOptions;
import org.lossmith.internal.ContrastiveOptions;
import org.lossmith.internal.LossmithNative;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;

/**
 * What the Java API adds to a call: a warm symmetric InfoNCE with both gradients on [64,64] inputs,
 * through the API and straight through the generated bindings with ready-made handles. One thread,
 * so that waking workers does not blur a difference of microseconds.
 */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
public class InfoNceCall {
  private static final int SIZE = 64;

  private Context context;
  private Tensor x;
  private Tensor y;
  private ContrastiveInputs inputs;
  private InfoNce loss;
  private LossResult result;

  private final long[] nativeContext = new long[1];
  private final long[] tensors = new long[5];
  private ContrastiveOptions options;

  /** Makes the same problem twice: for the API and for the bindings. */
  @Setup
  public void open() {
    Problem problem = Problem.random(ElementType.F32, SIZE, SIZE, 1);
    context = Context.builder().threads(1).build();
    x = Tensor.of(problem.x(), SIZE, SIZE);
    y = Tensor.of(problem.y(), SIZE, SIZE);
    inputs = ContrastiveInputs.of(x, y);
    loss = InfoNce.symmetric(problem.temperature());
    result = loss.result(inputs, "x", "y");
    openBare(problem);
  }

  private void openBare(Problem problem) {
    try (ContextOptions one = new ContextOptions()) {
      one.device().type(0).id(0);
      one.threads(1).budget(0).stream(0);
      check(LossmithNative.lsm_context_create(one, nativeContext));
    }
    options = new ContrastiveOptions();
    LossmithNative.lsm_infonce_defaults(options);
    options.temperature(problem.temperature()).row_coefficient(0.5).column_coefficient(0.5);
    for (int i = 0; i < tensors.length; i++) {
      long[] shape = i < 4 ? new long[] {SIZE, SIZE} : new long[] {1};
      long[] made = new long[1];
      check(
          LossmithNative.lsm_tensor_create(
              LossmithNative.LSM_CPU,
              0,
              (byte) LossmithNative.LSM_FLOAT,
              (byte) 32,
              shape.length,
              shape,
              made));
      tensors[i] = made[0];
    }
    fill(tensors[0], x);
    fill(tensors[1], y);
  }

  private void fill(long target, Tensor source) {
    long[] view = new long[1];
    long[] shape = {SIZE, SIZE};
    check(
        LossmithNative.lsm_tensor_wrap(
            source.address(),
            LossmithNative.LSM_CPU,
            0,
            (byte) LossmithNative.LSM_FLOAT,
            (byte) 32,
            2,
            shape,
            null,
            view));
    check(LossmithNative.lsm_tensor_copy(nativeContext[0], view[0], target));
    check(LossmithNative.lsm_tensor_destroy(view[0]));
  }

  private static void check(int status) {
    if (status != LossmithNative.LSM_OK) {
      throw new IllegalStateException(LossmithNative.lsm_last_error());
    }
  }

  /** Frees everything. */
  @TearDown
  public void close() {
    result.close();
    x.close();
    y.close();
    context.close();
    for (long tensor : tensors) {
      check(LossmithNative.lsm_tensor_destroy(tensor));
    }
    options.close();
    check(LossmithNative.lsm_context_destroy(nativeContext[0]));
  }

  /** The call as a user writes it. */
  @Benchmark
  public LossResult api() {
    loss.evaluate(context, inputs, result);
    return result;
  }

  /** The kernels alone, with 14 ns of JNI. */
  @Benchmark
  public int bare() {
    return LossmithNative.lsm_infonce(
        nativeContext[0],
        options,
        tensors[0],
        tensors[1],
        0,
        0,
        0,
        0,
        0,
        tensors[4],
        0,
        tensors[2],
        tensors[3],
        0,
        0);
  }
}
