package org.lossmith;

import java.lang.ref.Reference;
import org.lossmith.internal.LossmithNative;
import org.lossmith.internal.TopKOptions;
import org.lossmith.internal.base.Status;

/**
 * Carries the calls of {@link TopK} over to the native library. Nothing here allocates on the Java
 * heap during a warm search.
 */
final class TopKCalls {
  private TopKCalls() {}

  static void search(TopK search, Context context, TopKInputs inputs, TopKResult result) {
    Checks.given("context", context);
    Checks.given("inputs", inputs);
    Checks.given("result", result);
    long address = context.begin();
    try {
      Uses.acquire(inputs.tensors());
      try {
        Uses.acquire(result.tensors());
        try {
          Tensor[] in = inputs.tensors();
          Status.check(
              LossmithNative.lsm_top_k(
                  address,
                  context.options().of(search),
                  Uses.address(in[TopKInputs.X]),
                  Uses.address(in[TopKInputs.LABELS]),
                  Uses.address(in[TopKInputs.BIAS]),
                  Uses.address(in[TopKInputs.EXCLUDED_OFFSETS]),
                  Uses.address(in[TopKInputs.EXCLUDED_IDS]),
                  Uses.address(result.scores()),
                  Uses.address(result.ids())));
        } finally {
          Uses.release(result.tensors());
        }
      } finally {
        Uses.release(inputs.tensors());
      }
    } finally {
      context.end();
      Reference.reachabilityFence(inputs);
      Reference.reachabilityFence(result);
    }
  }

  /** Writes what is looked for into its native form. */
  static void fill(TopKOptions options, TopK search) {
    options
        .k(search.k())
        .temperature(search.temperature())
        .normalize_x(search.normalizeX() ? 1 : 0)
        .normalize_labels(search.normalizeLabels() ? 1 : 0);
  }
}
