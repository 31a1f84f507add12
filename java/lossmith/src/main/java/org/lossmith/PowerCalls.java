package org.lossmith;

import java.lang.ref.Reference;
import org.lossmith.internal.LossmithNative;
import org.lossmith.internal.PowerOptions;
import org.lossmith.internal.base.Status;

/**
 * Carries the calls of {@link PowerQuantizer} over to the native library. Nothing here allocates on
 * the Java heap during a warm call.
 */
final class PowerCalls {
  private PowerCalls() {}

  /** The type of parameters and latents beside a tensor: F64 beside F64, else F32. */
  static DType wide(Tensor tensor) {
    return tensor.dtype() == DType.F64 ? DType.F64 : DType.F32;
  }

  static void close(Tensor tensor) {
    if (tensor != null) {
      tensor.close();
    }
  }

  static void scales(
      PowerQuantizer quantizer, Context context, Tensor w, Tensor scale, Tensor shift) {
    Checks.given("context", context);
    Checks.given("w", w);
    Checks.given("scale", scale);
    long address = context.begin();
    try {
      Status.check(
          LossmithNative.lsm_power_scales(
              address,
              context.options().of(quantizer, false),
              context.use(w),
              context.use(scale),
              context.use(shift)));
    } finally {
      context.end();
    }
  }

  static void quantize(
      PowerQuantizer quantizer,
      boolean packed,
      Context context,
      Tensor w,
      PowerParameters parameters,
      Tensor codes) {
    Checks.given("context", context);
    Checks.given("w", w);
    Checks.given("parameters", parameters);
    Checks.given("codes", codes);
    long address = context.begin();
    try {
      Status.check(
          LossmithNative.lsm_power_quantize(
              address,
              context.options().of(quantizer, packed),
              context.use(w),
              context.use(parameters.scale()),
              context.use(parameters.exponent()),
              context.use(parameters.shift()),
              context.use(codes)));
    } finally {
      context.end();
      Reference.reachabilityFence(parameters);
    }
  }

  static void dequantize(
      PowerQuantizer quantizer,
      boolean packed,
      Context context,
      Tensor codes,
      PowerParameters parameters,
      Tensor out) {
    Checks.given("context", context);
    Checks.given("codes", codes);
    Checks.given("parameters", parameters);
    Checks.given("out", out);
    long address = context.begin();
    try {
      Status.check(
          LossmithNative.lsm_power_dequantize(
              address,
              context.options().of(quantizer, packed),
              context.use(codes),
              context.use(parameters.scale()),
              context.use(parameters.exponent()),
              context.use(parameters.shift()),
              context.use(out)));
    } finally {
      context.end();
      Reference.reachabilityFence(parameters);
    }
  }

  static void fakeQuantize(
      PowerQuantizer quantizer,
      Context context,
      Tensor w,
      PowerParameters parameters,
      Tensor upstream,
      Tensor out,
      Tensor codes,
      Tensor gradW,
      Tensor gradScale,
      Tensor gradExponent) {
    Checks.given("context", context);
    Checks.given("w", w);
    Checks.given("parameters", parameters);
    long address = context.begin();
    try {
      Status.check(
          LossmithNative.lsm_power_fake_quantize(
              address,
              context.options().of(quantizer, false),
              context.use(w),
              context.use(parameters.scale()),
              context.use(parameters.exponent()),
              context.use(parameters.shift()),
              context.use(upstream),
              context.use(out),
              context.use(codes),
              context.use(gradW),
              context.use(gradScale),
              context.use(gradExponent)));
    } finally {
      context.end();
      Reference.reachabilityFence(parameters);
    }
  }

  static void latents(
      PowerQuantizer quantizer,
      Context context,
      Tensor w,
      PowerParameters parameters,
      Tensor theta) {
    Checks.given("context", context);
    Checks.given("w", w);
    unshifted(parameters);
    Checks.given("theta", theta);
    long address = context.begin();
    try {
      Status.check(
          LossmithNative.lsm_power_latents(
              address,
              context.options().of(quantizer, false),
              context.use(w),
              context.use(parameters.scale()),
              context.use(parameters.exponent()),
              context.use(theta)));
    } finally {
      context.end();
      Reference.reachabilityFence(parameters);
    }
  }

  static void staircase(
      PowerQuantizer quantizer,
      Context context,
      double beta,
      Tensor theta,
      PowerParameters parameters,
      Tensor upstream,
      Tensor out,
      Tensor codes,
      Tensor gradTheta,
      Tensor gradScale,
      Tensor gradExponent) {
    Checks.given("context", context);
    Checks.given("theta", theta);
    unshifted(parameters);
    long address = context.begin();
    try {
      Status.check(
          LossmithNative.lsm_power_staircase(
              address,
              context.options().of(quantizer, false),
              beta,
              context.use(theta),
              context.use(parameters.scale()),
              context.use(parameters.exponent()),
              context.use(upstream),
              context.use(out),
              context.use(codes),
              context.use(gradTheta),
              context.use(gradScale),
              context.use(gradExponent)));
    } finally {
      context.end();
      Reference.reachabilityFence(parameters);
    }
  }

  /** Latents and products know no shift. */
  static void unshifted(PowerParameters parameters) {
    Checks.given("parameters", parameters);
    Checks.that(parameters.shift() == null, "shift", "none", parameters.shift());
  }

  /** Writes a quantizer into its native form; whether codes are packed is for the call to say. */
  static void fill(PowerOptions options, PowerQuantizer quantizer) {
    options
        .bits(quantizer.bits())
        .range(quantizer.range().code())
        .gradient(quantizer.gradient().code());
    quantizer.groups().fill(options.groups());
  }
}
