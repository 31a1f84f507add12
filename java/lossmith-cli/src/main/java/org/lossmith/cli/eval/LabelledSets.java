package org.lossmith.cli.eval;

import org.lossmith.Device;
import org.lossmith.LabelSets;
import org.lossmith.cli.npy.CsrMatrix;

/**
 * Sets of labels from a file, whose width says how many labels there are.
 *
 * @param sets the sets
 * @param columns the number of labels
 */
record LabelledSets(LabelSets sets, long columns) implements AutoCloseable {
  static LabelledSets of(CsrMatrix matrix, Device device) {
    return new LabelledSets(matrix.labelSets(device), matrix.columns());
  }

  @Override
  public void close() {
    sets.close();
  }
}
