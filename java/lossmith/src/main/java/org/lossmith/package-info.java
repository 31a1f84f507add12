/**
 * Fused native loss functions: loss and gradients from one call, without the big intermediate.
 *
 * <p>A loss is a record whose components are its hyperparameters ({@link org.lossmith.InfoNce},
 * {@link org.lossmith.Cwcl}; over large sets of labels the {@link org.lossmith.LabelLoss label
 * losses}). It is evaluated on {@link org.lossmith.Tensor tensors} within a {@link
 * org.lossmith.Context}, and gives a {@link org.lossmith.LossResult}. All three of the latter hold
 * native memory and are closed by their owner, best with try-with-resources.
 *
 * <p>{@link org.lossmith.TopK} finds the best labels of every row, {@link
 * org.lossmith.RankingMetrics} says how good they are, {@link org.lossmith.LabelSets} holds what is
 * true.
 *
 * <p>{@link org.lossmith.PowerQuantizer} gives tensors codes of a few bits, {@link
 * org.lossmith.PowerMatrix} multiplies with them, {@link org.lossmith.quantization} has procedures
 * for networks.
 *
 * <h2>Handles</h2>
 *
 * <p>Closing twice is allowed. Using a closed object is an {@link IllegalStateException}. Closing
 * an object while another thread uses it is safe: its memory is freed when the last call that uses
 * it ends. An object that is lost without being closed is freed after garbage collection and
 * counted by {@link org.lossmith.Lossmith#leaks()}; the system property {@systemProperty
 * lossmith.leak} says what else happens then: {@code off} nothing, {@code warn} (the default) a
 * warning is logged, {@code trace} the warning carries the stack of the allocation, which every
 * allocation then records.
 *
 * <h2>Errors</h2>
 *
 * <p>Every message names the argument, what was expected and what came. A call that fails has
 * written no output.
 *
 * <table>
 *   <caption>Exceptions</caption>
 *   <tr><th>Exception</th><th>Meaning</th></tr>
 *   <tr><td>{@link IllegalArgumentException}</td><td>wrong value, shape, element type or
 *       device</td></tr>
 *   <tr><td>{@link IllegalStateException}</td><td>use of a closed object</td></tr>
 *   <tr><td>{@link org.lossmith.BudgetException}</td><td>the byte budget of the context is too
 *       small</td></tr>
 *   <tr><td>{@link OutOfMemoryError}</td><td>memory could not be had</td></tr>
 *   <tr><td>{@link UnsupportedOperationException}</td><td>this build or device does not offer
 *       it</td></tr>
 *   <tr><td>{@link org.lossmith.CudaException}</td><td>a device call failed</td></tr>
 *   <tr><td>{@link org.lossmith.CudaFatalException}</td><td>a device is lost until the process
 *       restarts</td></tr>
 *   <tr><td>{@link org.lossmith.NativeLoadException}</td><td>the natives did not load</td></tr>
 * </table>
 *
 * <h2>CUDA</h2>
 *
 * <p>With the natives for it ({@code linux-x86_64-gpu}) and a driver, tensors and contexts may be
 * on a {@link org.lossmith.Device#cuda CUDA device}. Calls are queued on the stream of their
 * context; what reads a value waits. {@link org.lossmith.DeviceMemory} tells what tensors hold on a
 * device.
 *
 * <p>The first use of a native object loads the native libraries; no class of this package does so
 * when it is initialised. On JDK 24 and later start the JVM with {@code
 * --enable-native-access=ALL-UNNAMED} (on the module path: {@code
 * --enable-native-access=org.lossmith,org.bytedeco.javacpp}) to avoid its warning.
 */
package org.lossmith;
