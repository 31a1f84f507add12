package org.lossmith.bench;

import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.lossmith.bench.contrastive.OracleRow;
import org.lossmith.bench.contrastive.ParetoRow;
import org.lossmith.bench.contrastive.ScalingRow;
import org.lossmith.bench.contrastive.ShapeRow;
import org.lossmith.bench.micro.MicroRow;
import org.lossmith.bench.nativesuite.NativeRow;
import org.lossmith.bench.retrieval.RetrievalRow;

/** The rows of the suite, in the order in which they run. */
final class Suite {
  private Suite() {}

  /** All rows of a full or of a quick run. */
  static List<Row> rows(boolean quick) {
    List<Row> rows = new ArrayList<>();
    rows.add(new OracleRow());
    if (quick) {
      rows.add(new ShapeRow(1024, 128, 3, 20));
    } else {
      rows.add(new ShapeRow(4096, 256, 11, 75));
      rows.add(new ShapeRow(8192, 512, 5, 210));
    }
    rows.add(new ParetoRow());
    rows.add(new ScalingRow());
    rows.add(new RetrievalRow());
    rows.add(new MicroRow());
    rows.add(new NativeRow());
    return rows;
  }

  /**
   * The rows of that name; an empty set means all. The check against the oracle always takes part.
   *
   * @throws IllegalArgumentException for a name that no row has
   */
  static List<Row> select(boolean quick, Set<String> names) {
    List<Row> rows = rows(quick);
    List<String> known = rows.stream().map(Row::name).toList();
    for (String name : names) {
      if (!known.contains(name)) {
        throw new IllegalArgumentException(
            "--rows: expected names out of " + String.join(", ", known) + ", got " + name);
      }
    }
    return rows.stream()
        .filter(row -> names.isEmpty() || names.contains(row.name()) || row instanceof OracleRow)
        .toList();
  }
}
