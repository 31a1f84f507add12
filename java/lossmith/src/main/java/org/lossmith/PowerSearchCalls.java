package org.lossmith;

import org.lossmith.internal.LossmithNative;
import org.lossmith.internal.PowerSearchOptions;
import org.lossmith.internal.base.Status;

/** Carries the calls of {@link PowerSearch} over to the native library. */
final class PowerSearchCalls {
  private PowerSearchCalls() {}

  static void search(
      PowerSearch search,
      Context context,
      Tensor w,
      Tensor scale,
      Tensor shift,
      Tensor exponent,
      Tensor bestScale,
      Tensor error) {
    Checks.given("context", context);
    Checks.given("w", w);
    Checks.given("scale", scale);
    Checks.given("exponent", exponent);
    long address = context.begin();
    try {
      Status.check(
          LossmithNative.lsm_power_search(
              address,
              context.options().of(search),
              context.use(w),
              context.use(scale),
              context.use(shift),
              context.use(exponent),
              context.use(bestScale),
              context.use(error)));
    } finally {
      context.end();
    }
  }

  static void errors(
      PowerSearch search,
      Context context,
      Tensor w,
      Tensor scale,
      Tensor shift,
      Tensor exponents,
      Tensor ratios,
      Tensor errors) {
    Checks.given("context", context);
    Checks.given("w", w);
    Checks.given("scale", scale);
    Checks.given("exponents", exponents);
    Checks.given("errors", errors);
    long address = context.begin();
    try {
      Status.check(
          LossmithNative.lsm_power_errors(
              address,
              context.options().of(search),
              context.use(w),
              context.use(scale),
              context.use(shift),
              context.use(exponents),
              context.use(ratios),
              context.use(errors)));
    } finally {
      context.end();
    }
  }

  /** Writes a search into its native form. */
  static void fill(PowerSearchOptions options, PowerSearch search) {
    PowerCalls.fill(options.power(), search.quantizer());
    options.power().packed(0);
    options
        .norm(search.norm())
        .lowest(search.lowest())
        .highest(search.highest())
        .steps(search.steps())
        .refinements(search.refinements())
        .clips(search.clips())
        .clip_step(search.clipStep());
  }
}
