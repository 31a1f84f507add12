package org.lossmith.cli.quantize;

import org.lossmith.Context;
import org.lossmith.PowerParameters;
import org.lossmith.PowerQuantizer;
import org.lossmith.PowerRange;
import org.lossmith.PowerSearch;
import org.lossmith.Tensor;
import org.lossmith.quantization.NetworkExponent;

/** The schemes of the methods. */
final class Schemes {
  private Schemes() {}

  /** The scheme of a method. */
  static Scheme of(QuantizeSettings settings) {
    PowerQuantizer signed = PowerQuantizer.of(settings.bits()).withGroups(settings.groups());
    return switch (settings.method()) {
      case UNIFORM -> new Given(Method.UNIFORM, signed, 1, false);
      case UNIFORM_ASYMMETRIC ->
          new Given(Method.UNIFORM_ASYMMETRIC, signed.withRange(PowerRange.UNSIGNED), 1, true);
      case POWER ->
          switch (settings.exponent().kind()) {
            case GIVEN -> new Given(Method.POWER, signed, settings.exponent().value(), false);
            case TENSOR -> new OfTensor(signed);
            case CHANNEL -> new OfGroup(signed);
            case NETWORK -> new OfNetwork(signed);
          };
    };
  }

  /** One exponent, known before; scales from the data. */
  private record Given(Method method, PowerQuantizer quantizer, double exponent, boolean isShifted)
      implements Scheme {
    @Override
    public PowerParameters parameters(Context context, Tensor matrix) {
      return isShifted
          ? quantizer.shiftedParameters(context, matrix, exponent)
          : quantizer.parameters(context, matrix, exponent);
    }
  }

  /** The best exponent of each tensor, over the scales that its groups have. */
  private record OfTensor(PowerQuantizer quantizer) implements Scheme {
    @Override
    public boolean learnsExponents() {
      return true;
    }

    @Override
    public Method method() {
      return Method.POWER;
    }

    @Override
    public PowerParameters parameters(Context context, Tensor matrix) {
      NetworkExponent search = NetworkExponent.of(PowerSearch.of(quantizer));
      do {
        search.add(context, matrix);
      } while (search.refine());
      return search.parameters(context, matrix);
    }
  }

  /** The best exponent of each group. */
  private record OfGroup(PowerQuantizer quantizer) implements Scheme {
    @Override
    public boolean learnsExponents() {
      return true;
    }

    @Override
    public Method method() {
      return Method.POWER;
    }

    @Override
    public boolean exponentPerGroup() {
      return true;
    }

    @Override
    public PowerParameters parameters(Context context, Tensor matrix) {
      return PowerSearch.of(quantizer).search(context, matrix);
    }
  }

  /** The best exponent of all tensors. */
  private static final class OfNetwork implements Scheme {
    private final PowerSearch search;
    private final NetworkExponent network;

    OfNetwork(PowerQuantizer quantizer) {
      search = PowerSearch.of(quantizer);
      network = NetworkExponent.of(search);
    }

    @Override
    public Method method() {
      return Method.POWER;
    }

    @Override
    public PowerQuantizer quantizer() {
      return search.quantizer();
    }

    @Override
    public int surveys() {
      return 1 + search.refinements();
    }

    @Override
    public void survey(Context context, Tensor matrix) {
      network.add(context, matrix);
    }

    @Override
    public boolean surveyAgain() {
      return network.refine();
    }

    @Override
    public PowerParameters parameters(Context context, Tensor matrix) {
      return network.parameters(context, matrix);
    }
  }
}
