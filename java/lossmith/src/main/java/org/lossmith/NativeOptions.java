package org.lossmith;

import java.util.ArrayList;
import java.util.List;
import java.util.function.BiConsumer;
import org.bytedeco.javacpp.Pointer;
import org.lossmith.internal.ContrastiveOptions;
import org.lossmith.internal.LabelOptions;
import org.lossmith.internal.MultiplyOptions;
import org.lossmith.internal.PowerIntegerOptions;
import org.lossmith.internal.PowerOptions;
import org.lossmith.internal.PowerSearchOptions;
import org.lossmith.internal.SoftTopKOptions;
import org.lossmith.internal.TopKOptions;
import org.lossmith.internal.UpdateOptions;

/**
 * Native copies of the hyperparameters that the calls of a context had last, one for each kind of
 * operation; used by one call at a time. A call with the record of the call before writes nothing
 * and allocates nothing.
 */
final class NativeOptions {
  private final List<Pointer> all = new ArrayList<>();

  private final Kept<ContrastiveLoss, ContrastiveOptions> contrastive =
      new Kept<>(keep(new ContrastiveOptions()), ContrastiveCalls::fill);
  private final Kept<LabelLoss, LabelOptions> labels =
      new Kept<>(keep(new LabelOptions()), LabelCalls::fill);
  private final Kept<Update, UpdateOptions> update =
      new Kept<>(keep(new UpdateOptions()), UpdateCalls::fill);
  private final Kept<SoftTopKOperator, SoftTopKOptions> memberships =
      new Kept<>(keep(new SoftTopKOptions()), (options, operator) -> operator.fill(options));
  private final Kept<TopK, TopKOptions> search =
      new Kept<>(keep(new TopKOptions()), TopKCalls::fill);
  private final Kept<PowerQuantizer, PowerOptions> power =
      new Kept<>(keep(new PowerOptions()), PowerCalls::fill);
  private final Kept<PowerSearch, PowerSearchOptions> powerSearch =
      new Kept<>(keep(new PowerSearchOptions()), PowerSearchCalls::fill);
  private final Kept<PowerIntegerProduct, PowerIntegerOptions> powerInteger =
      new Kept<>(keep(new PowerIntegerOptions()), (options, product) -> product.fill(options));
  private final Kept<MatrixProduct, MultiplyOptions> multiply =
      new Kept<>(keep(new MultiplyOptions()), (options, product) -> product.fill(options));

  private <O extends Pointer> O keep(O options) {
    all.add(options);
    return options;
  }

  ContrastiveOptions of(ContrastiveLoss loss) {
    return contrastive.of(loss);
  }

  LabelOptions of(LabelLoss loss) {
    return labels.of(loss);
  }

  UpdateOptions of(Update rule, long step) {
    return update.of(rule).step(step);
  }

  SoftTopKOptions of(SoftTopKOperator operator) {
    return memberships.of(operator);
  }

  TopKOptions of(TopK topK) {
    return search.of(topK);
  }

  PowerOptions of(PowerQuantizer quantizer, boolean packed) {
    return power.of(quantizer).packed(packed ? 1 : 0);
  }

  PowerSearchOptions of(PowerSearch grid) {
    return powerSearch.of(grid);
  }

  PowerIntegerOptions of(PowerIntegerProduct product) {
    return powerInteger.of(product);
  }

  MultiplyOptions of(MatrixProduct product) {
    return multiply.of(product);
  }

  void close() {
    all.forEach(Pointer::close);
  }

  /** The native form of one kind of hyperparameters, and whose they are. */
  private static final class Kept<R, O extends Pointer> {
    private final O options;
    private final BiConsumer<O, R> fill;
    private R owner;

    Kept(O options, BiConsumer<O, R> fill) {
      this.options = options;
      this.fill = fill;
    }

    O of(R asked) {
      if (owner != asked) {
        fill.accept(options, asked);
        owner = asked;
      }
      return options;
    }
  }
}
