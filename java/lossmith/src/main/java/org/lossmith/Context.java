package org.lossmith;

import java.lang.ref.Reference;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.locks.ReentrantLock;
import org.lossmith.internal.ContextOptions;
import org.lossmith.internal.LossmithNative;
import org.lossmith.internal.base.Handle;
import org.lossmith.internal.base.Library;
import org.lossmith.internal.base.Status;

/**
 * Where a call runs, with how many threads, and how much extra memory it may use.
 *
 * <p>A context holds a workspace that grows to what its largest call needed, within a byte budget,
 * and is kept: a warm call allocates nothing, neither on the Java heap nor outside it. Calls that
 * share a context run one after another, a second caller waits; with a context for each thread they
 * run side by side. All methods may be called from any thread.
 *
 * <p>On a CUDA device a call queues its work on the stream of the context and returns. Reading a
 * value waits for it: {@link LossResult#loss} for the context that computed it, the methods of
 * {@link Tensor} for all work of the device. A failure of queued work is reported by the next call
 * that waits. Contexts without a stream of their own queue on the default stream, so that the work
 * of one follows that of the other.
 *
 * <p>Methods of a closed context throw {@link IllegalStateException}, except {@link #close}, {@link
 * #isClosed} and those that only read a property.
 */
public final class Context implements AutoCloseable {
  /** The workspace budget of a context on the CPU that names none: 56 MiB. */
  public static final long DEFAULT_BUDGET = LossmithNative.LSM_DEFAULT_BUDGET;

  /** The workspace budget of a context on a CUDA device that names none: 1 GiB of the device. */
  public static final long DEFAULT_CUDA_BUDGET = LossmithNative.LSM_DEFAULT_CUDA_BUDGET;

  /** More than any function of the C interface takes. */
  private static final int MOST_TENSORS = 16;

  /** Contexts for copies, one for each device; they are never closed. */
  private static final Map<Device, Context> SHARED = new ConcurrentHashMap<>();

  private final Device device;
  private final int threads;
  private final Handle handle;
  private final ReentrantLock lock = new ReentrantLock();

  /** Native hyperparameters; guarded by the lock. */
  private final NativeOptions options;

  /** The tensors that the only call uses; guarded by the lock. */
  private final Tensor[] used = new Tensor[MOST_TENSORS];

  private int usedCount;

  private volatile long budget;

  /** Room for the result of {@link #item}; guarded by the lock. */
  private final double[] element = new double[1];

  private Context(Builder builder, boolean watched) {
    Library.load();
    device = builder.device;
    long unset = device.type() == Device.Type.CPU ? DEFAULT_BUDGET : DEFAULT_CUDA_BUDGET;
    budget = builder.budget == 0 ? unset : builder.budget;
    long address = create(builder);
    NativeOptions kept = new NativeOptions();
    options = kept;
    threads = LossmithNative.lsm_context_threads(address);
    handle =
        new Handle(
            "context",
            address,
            () -> {
              kept.close();
              Status.check(LossmithNative.lsm_context_destroy(address));
            });
    if (watched) {
      handle.watch(this);
    }
  }

  private static long create(Builder builder) {
    long[] address = new long[1];
    try (ContextOptions options = new ContextOptions()) {
      options.device().type(builder.device.type().code()).id(builder.device.index());
      options.threads(builder.threads).budget(builder.budget).stream(builder.stream);
      options.own_stream(builder.ownStream ? 1 : 0).tf32(builder.tf32 ? 1 : 0);
      Status.check(LossmithNative.lsm_context_create(options, address));
    }
    return address[0];
  }

  /**
   * A context on the CPU with all threads that OpenMP offers and the default budget.
   *
   * @return a new context, to be closed by the caller
   * @throws NativeLoadException if the natives do not load
   */
  public static Context cpu() {
    return of(Device.cpu());
  }

  /**
   * A context on a device with the default threads, budget and stream.
   *
   * @param device the device
   * @return a new context, to be closed by the caller
   * @throws IllegalArgumentException if the device does not exist
   * @throws UnsupportedOperationException if the native library was built without such devices, or
   *     the machine has none; says why
   * @throws CudaException if the device refuses
   * @throws NativeLoadException if the natives do not load
   */
  public static Context of(Device device) {
    return builder().device(device).build();
  }

  /**
   * Starts the description of a context; the defaults are those of {@link #cpu()}.
   *
   * @return a new builder
   */
  public static Builder builder() {
    return new Builder();
  }

  /** The context that copies to, from and on a device use. */
  static Context shared(Device device) {
    return SHARED.computeIfAbsent(
        device, d -> new Context(new Builder().device(d).threads(0), false));
  }

  /**
   * The device of this context.
   *
   * @return a device
   */
  public Device device() {
    return device;
  }

  /**
   * The number of CPU threads that a call on this context uses.
   *
   * @return at least 1
   */
  public int threads() {
    return threads;
  }

  /**
   * The largest workspace that a call may take.
   *
   * @return bytes
   */
  public long budget() {
    return budget;
  }

  /**
   * Sets the largest workspace for later calls and gives back what is held above it.
   *
   * @param bytes the new budget, {@code > 0}
   * @throws IllegalArgumentException if {@code bytes} is not positive
   */
  public void budget(long bytes) {
    Checks.that(bytes > 0, "budget", "> 0 bytes", bytes);
    long address = begin();
    try {
      Status.check(LossmithNative.lsm_context_set_budget(address, bytes));
      budget = bytes;
    } finally {
      end();
    }
  }

  /**
   * The workspace that this context holds now: the peak of its calls so far.
   *
   * @return bytes
   */
  public long workspaceBytes() {
    long address = begin();
    try {
      return LossmithNative.lsm_context_workspace_bytes(address);
    } finally {
      end();
    }
  }

  /**
   * The stream that this context queues its work on.
   *
   * @return for CUDA a {@code cudaStream_t}, valid until the context is closed; 0: the default
   *     stream, and on the CPU
   */
  public long stream() {
    long address = begin();
    try {
      return LossmithNative.lsm_context_stream(address);
    } finally {
      end();
    }
  }

  /**
   * Overwrites a tensor with another of the same shape, converting the elements, in the order of
   * the other work on this context.
   *
   * <p>On a CUDA device the copy is queued. If one of the tensors lies in ordinary host memory the
   * method returns when that memory has been read or written. If host memory is page-locked ({@link
   * Tensor#pinned}), or none takes part, it returns at once, and the elements must be left alone
   * until {@link #synchronize}; closing the tensors is allowed.
   *
   * @param source where the elements come from; on the device of this context or on the CPU
   * @param target what is overwritten; on the device of this context or on the CPU; must not
   *     overlap the source
   * @throws IllegalArgumentException if the shapes differ, an integer type is to be converted, or a
   *     tensor lies on another device
   * @throws IllegalStateException if this context or a tensor is closed
   */
  public void copy(Tensor source, Tensor target) {
    Checks.given("source", source);
    Checks.given("target", target);
    long from = source.acquire();
    try {
      long to = target.acquire();
      try {
        long address = begin();
        try {
          Status.check(LossmithNative.lsm_tensor_copy(address, from, to));
        } finally {
          end();
        }
      } finally {
        target.release();
      }
    } finally {
      source.release();
    }
  }

  /** The only element of a tensor, after the work queued on this context. Allocates nothing. */
  double item(Tensor tensor) {
    long at = tensor.acquire();
    try {
      long address = begin();
      try {
        Status.check(LossmithNative.lsm_tensor_item(address, at, element));
        return element[0];
      } finally {
        end();
      }
    } finally {
      tensor.release();
    }
  }

  /**
   * Waits until all work queued on this context is done; returns at once on the CPU.
   *
   * @throws CudaException if work queued earlier has failed
   */
  public void synchronize() {
    long address = begin();
    try {
      Status.check(LossmithNative.lsm_context_synchronize(address));
    } finally {
      end();
    }
  }

  /**
   * Measures the rate of a library matrix product C[m,n] = A[m,k] B[n,k]^T on this context: the
   * floor that the losses are judged by. Runs on memory of its own, for {@code repeats} times 2 m n
   * k operations.
   *
   * @param dtype element type of the operands, {@link DType#F32} or {@link DType#BF16}; the result
   *     is F32
   * @param m rows of the result
   * @param n columns of the result
   * @param k length of the products
   * @param repeats number of runs, of which the median counts
   * @return floating-point operations per second
   * @throws IllegalArgumentException if an extent or {@code repeats} is not positive, or for
   *     another element type
   */
  public double measureGemm(DType dtype, long m, long n, long k, int repeats) {
    Checks.given("dtype", dtype);
    double[] rate = new double[1];
    long address = begin();
    try {
      Status.check(
          LossmithNative.lsm_measure_gemm(
              address, dtype.code(), dtype.bits(), m, n, k, repeats, rate));
    } finally {
      end();
    }
    return rate[0];
  }

  /**
   * Measures the copy bandwidth of this context, reads and writes counted: the memory floor.
   *
   * @param bytes bytes to copy
   * @param repeats number of runs, of which the median counts
   * @return bytes per second
   * @throws IllegalArgumentException if {@code bytes} or {@code repeats} is not positive
   */
  public double measureCopy(long bytes, int repeats) {
    double[] rate = new double[1];
    long address = begin();
    try {
      Status.check(LossmithNative.lsm_measure_copy(address, bytes, repeats, rate));
    } finally {
      end();
    }
    return rate[0];
  }

  /**
   * Whether this context was closed.
   *
   * @return true after {@link #close}
   */
  public boolean isClosed() {
    return handle.isClosed();
  }

  /** Frees the context and its workspace, when the calls that run on it have ended. Idempotent. */
  @Override
  public void close() {
    handle.close();
  }

  /** Returns the device, the threads and the budget. */
  @Override
  public String toString() {
    return "Context[" + device + ", " + threads + " threads, budget " + budget + " bytes]";
  }

  /**
   * Begins the only call on this context and returns its native handle. Between this and {@link
   * #end} the native options are the caller's.
   */
  long begin() {
    lock.lock();
    try {
      return handle.acquire();
    } catch (IllegalStateException e) {
      lock.unlock();
      throw e;
    }
  }

  /**
   * Begins a use of a tensor by the call that {@link #begin} began, which {@link #end} ends.
   *
   * @param tensor a tensor, or null for one that is not given
   * @return the native tensor, 0 for null
   * @throws IllegalStateException if it is closed
   */
  long use(Tensor tensor) {
    if (tensor == null) {
      return 0;
    }
    long address = tensor.acquire();
    used[usedCount++] = tensor;
    return address;
  }

  /** Ends what {@link #begin} began, and the uses of tensors since then. */
  void end() {
    try {
      while (usedCount > 0) {
        Tensor tensor = used[--usedCount];
        used[usedCount] = null;
        tensor.release();
      }
    } finally {
      handle.release();
      lock.unlock();
      Reference.reachabilityFence(this);
    }
  }

  /** Hyperparameters in native form; only between {@link #begin} and {@link #end}. */
  NativeOptions options() {
    return options;
  }

  /** Describes a context. Not safe for use by several threads. */
  public static final class Builder {
    private Device device = Device.cpu();
    private int threads;
    private long budget;
    private long stream;
    private boolean ownStream;
    private boolean tf32;

    private Builder() {}

    /**
     * Sets the device; the CPU by default.
     *
     * @param device a device
     * @return this builder
     */
    public Builder device(Device device) {
      this.device = Checks.given("device", device);
      return this;
    }

    /**
     * Sets the number of CPU threads.
     *
     * @param threads 1 to 1024; 0, the default: all that OpenMP offers (the environment variable
     *     OMP_NUM_THREADS, else the cores)
     * @return this builder
     * @throws IllegalArgumentException for another number
     */
    public Builder threads(int threads) {
      Checks.that(threads >= 0 && threads <= 1024, "threads", "0 to 1024", threads);
      this.threads = threads;
      return this;
    }

    /**
     * Sets the largest workspace of a call.
     *
     * @param bytes a positive number; 0, the default: {@link Context#DEFAULT_BUDGET}, on a CUDA
     *     device {@link Context#DEFAULT_CUDA_BUDGET}
     * @return this builder
     * @throws IllegalArgumentException if {@code bytes} is negative
     */
    public Builder budget(long bytes) {
      Checks.that(bytes >= 0, "budget", ">= 0 bytes", bytes);
      this.budget = bytes;
      return this;
    }

    /**
     * Sets the stream that work is queued on; without effect on the CPU.
     *
     * @param stream a stream of the device, for CUDA a {@code cudaStream_t}, which must outlive the
     *     context; 0, the default: its default stream
     * @return this builder
     */
    public Builder stream(long stream) {
      this.stream = stream;
      return this;
    }

    /**
     * Makes the context queue its work on a stream of its own, which ends with it, so that the work
     * of several contexts runs side by side. Work on the default stream of the device keeps its
     * order with it. Without effect on the CPU; excludes {@link #stream}.
     *
     * @return this builder
     */
    public Builder ownStream() {
      ownStream = true;
      return this;
    }

    /**
     * Sets whether a CUDA device may round F32 operands of matrix products to TF32 (10 bits of
     * mantissa), which is faster; false by default. Without effect on the CPU.
     *
     * @param allowed whether it may
     * @return this builder
     */
    public Builder tf32(boolean allowed) {
      tf32 = allowed;
      return this;
    }

    /**
     * Creates the context.
     *
     * @return a new context, to be closed by the caller
     * @throws IllegalArgumentException if the device does not exist, or a stream was given beside
     *     {@link #ownStream}
     * @throws UnsupportedOperationException if the native library was built without such devices,
     *     or the machine has none; says why
     * @throws CudaException if the device refuses
     * @throws NativeLoadException if the natives do not load
     */
    public Context build() {
      return new Context(this, true);
    }
  }
}
