package org.lossmith.cli.eval;

import java.util.List;

/** The registry of what {@code eval} offers. */
final class Operations {
  /** All operations, in the order of {@code eval --list}. */
  static final List<Operation> ALL =
      List.of(
          new InfoNceOperation(),
          new CwclOperation(),
          PositivesOperation.decoupledSoftmax(),
          PositivesOperation.softTopK(),
          PositivesOperation.multiLabelInfoNce(),
          PositivesOperation.supCon(),
          PositivesOperation.bce(),
          TargetOperation.softmaxCrossEntropy(),
          TargetOperation.normalizedSoftmax(),
          new TopKOperation(),
          new UpdateOperation(),
          new PowerFakeQuantizeOperation(),
          new PowerQuantizeOperation(),
          new PowerDequantizeOperation(),
          new PowerSearchOperation());

  private Operations() {}
}
