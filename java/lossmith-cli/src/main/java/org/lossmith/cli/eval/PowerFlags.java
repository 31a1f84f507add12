package org.lossmith.cli.eval;

import java.util.List;
import java.util.Map;
import java.util.Set;
import org.lossmith.Context;
import org.lossmith.DType;
import org.lossmith.Device;
import org.lossmith.Groups;
import org.lossmith.PowerGradient;
import org.lossmith.PowerParameters;
import org.lossmith.PowerQuantizer;
import org.lossmith.PowerRange;
import org.lossmith.Tensor;
import org.lossmith.cli.UsageException;
import org.lossmith.cli.eval.Input.Role;

/** What the operations of power quantization have in common on the command line. */
final class PowerFlags {
  static final List<String> FORMULA =
      List.of(
          "v = min(|w| / s, 1);  q = sign(w) floor(Q v^a + 1/2);  w^ = s sign(q) (|q| / Q)^(1/a)",
          "Q = 2^(bits-1) - 1, or unsigned 2^bits - 1;  a: exponent, s: scale");

  static final Input W = new Input("w", Role.DATA, "[..]", true, "the tensor");
  static final Input SCALE =
      new Input("scale", Role.VECTOR, "[groups]", false, "s; none: max |w| of each group");
  static final Input SHIFT =
      new Input("shift", Role.VECTOR, "[groups]", false, "taken from w before; with --unsigned");
  static final Input EXPONENTS =
      new Input("exponents", Role.VECTOR, "[groups]", false, "a of each group, or [1]");

  static final Parameter<Double> EXPONENT =
      Parameter.real("exponent", 0.5, "a in [0.01, 16], where there are no --exponents");
  static final Parameter<Long> BITS = Parameter.whole("bits", 4, "of a code, 2 to 8");
  static final Parameter<Long> AXIS =
      Parameter.whole("axis", -1, "dimension of channels that have their own; -1: none");
  static final Parameter<Long> GROUP =
      Parameter.whole("group", 0, "columns of a row that have their own; 0: none");
  static final Parameter<Boolean> UNSIGNED =
      Parameter.toggle("unsigned", "codes from 0 to 2^bits - 1");
  static final Parameter<Boolean> SHIFTED =
      Parameter.toggle("shifted", "with --unsigned: shift to the minimum; scale is the range");

  /** The names of the C header and of the Java records that the command line calls otherwise. */
  private static final Map<String, String> NAMES =
      Map.ofEntries(
          Map.entry("groups.axis", "axis"),
          Map.entry("groups.columns", "group"),
          Map.entry("columns", "group"),
          Map.entry("range", "unsigned"),
          Map.entry("out", "output"));

  private PowerFlags() {}

  static String argument(String name, Set<String> given) {
    if (name.equals("exponent") && given.contains(EXPONENTS.name())) {
      return EXPONENTS.name();
    }
    return NAMES.getOrDefault(name, name);
  }

  /** Bits, range and groups; the gradient is the identity. */
  static PowerQuantizer quantizer(Call call) {
    long bits = call.whole(BITS.name());
    if (bits < 2 || bits > 8) {
      throw new UsageException("--bits: expected 2 to 8, got " + bits);
    }
    long axis = call.whole(AXIS.name());
    if (axis < -1 || axis > 7) {
      throw new UsageException("--axis: expected -1 or a dimension, got " + axis);
    }
    return new PowerQuantizer(
        (int) bits,
        call.isSet(UNSIGNED.name()) ? PowerRange.UNSIGNED : PowerRange.SIGNED,
        PowerGradient.IDENTITY,
        new Groups((int) axis, call.whole(GROUP.name())));
  }

  /**
   * The parameters of a tensor: those of the files, converted to the type beside w, or the data's.
   *
   * @return new tensors, to be closed by the caller
   */
  static PowerParameters parameters(Context context, Call call, PowerQuantizer quantizer) {
    Tensor w = call.tensor(W.name());
    Tensor scale = call.tensor(SCALE.name());
    boolean shifted = call.isSet(SHIFTED.name());
    if (call.tensor(SHIFT.name()) != null && scale == null) {
      throw new UsageException("--scale: expected a file beside --shift, got nothing");
    }
    if (shifted && scale != null) {
      throw new UsageException("--shifted: expected no --scale beside it, got one");
    }
    if (shifted && quantizer.range() == PowerRange.SIGNED) {
      throw new UsageException("--shifted: expected --unsigned beside it, got signed codes");
    }
    DType type = w.dtype() == DType.F64 ? DType.F64 : DType.F32;
    if (scale != null) {
      return given(call, type);
    }
    Tensor exponent = exponent(call, w.device(), type);
    try (PowerParameters found =
        shifted
            ? quantizer.shiftedParameters(context, w, 1)
            : quantizer.parameters(context, w, 1)) {
      Tensor shift = found.shift() == null ? null : found.shift().to(type);
      return new PowerParameters(found.scale().to(type), exponent, shift);
    } catch (RuntimeException | Error e) {
      exponent.close();
      throw e;
    }
  }

  /** Copies of the parameters that the files hold, of a type. */
  static PowerParameters given(Call call, DType type) {
    Tensor scale = call.tensor(SCALE.name());
    Tensor shift = call.tensor(SHIFT.name());
    Tensor exponent = exponent(call, scale.device(), type);
    return new PowerParameters(scale.to(type), exponent, shift == null ? null : shift.to(type));
  }

  /** The exponents of the file, or the one of the flag; 1 for a search, which has none yet. */
  private static Tensor exponent(Call call, Device device, DType type) {
    Tensor exponents = call.tensor(EXPONENTS.name());
    if (exponents != null && call.given().contains(EXPONENT.name())) {
      throw new UsageException("--exponent: expected no --exponents beside it, got a file");
    }
    if (exponents != null) {
      return exponents.to(type);
    }
    Object named = call.parameters().getOrDefault(EXPONENT.name(), 1.0);
    return Tensor.zeros(device, type, 1).copyFrom(new double[] {(Double) named});
  }
}
