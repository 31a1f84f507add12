package org.lossmith.bench;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import org.lossmith.bench.contrastive.OracleRow;
import org.lossmith.bench.contrastive.ParetoRow;
import org.lossmith.bench.contrastive.ScalingRow;
import org.lossmith.bench.contrastive.ShapeRow;
import org.lossmith.bench.labels.CapacityRow;
import org.lossmith.bench.labels.FilterRow;
import org.lossmith.bench.labels.LabelOracleRow;
import org.lossmith.bench.labels.LabelScalingRow;
import org.lossmith.bench.labels.LabelShapeRow;
import org.lossmith.bench.labels.UpdateRow;
import org.lossmith.bench.micro.MicroRow;
import org.lossmith.bench.nativesuite.NativeRow;
import org.lossmith.bench.quantization.OperatorRow;
import org.lossmith.bench.quantization.ProductRow;
import org.lossmith.bench.quantization.SearchRow;
import org.lossmith.bench.retrieval.RetrievalRow;

/** The suites: each has rows, which run in order, and files of its own for its results. */
enum Suite {
  /** Losses of two modalities. */
  CONTRASTIVE("results") {
    @Override
    List<Row> rows(boolean quick) {
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
      rows.add(new MicroRow());
      rows.add(new NativeRow("contrastive|products|copy"));
      return rows;
    }
  },
  /** Losses over large sets of labels, steps of the labels, retrieval. */
  LABELS("labels") {
    @Override
    List<Row> rows(boolean quick) {
      return List.of(
          new LabelOracleRow(),
          new LabelShapeRow(),
          new CapacityRow(),
          new LabelScalingRow(),
          new UpdateRow(),
          new FilterRow(),
          new RetrievalRow(),
          new NativeRow("labels|update"));
    }
  },
  /** Power quantization: the operator, the search, products with codes. */
  QUANTIZATION("quantization") {
    @Override
    List<Row> rows(boolean quick) {
      return List.of(
          new OperatorRow(),
          new SearchRow(),
          new ProductRow(),
          new NativeRow("power_product|power_integer_product"));
    }
  };

  private final String files;

  Suite(String files) {
    this.files = files;
  }

  /** All rows of a full or of a quick run. */
  abstract List<Row> rows(boolean quick);

  /** Name of the files with the results, without an ending. */
  String files() {
    return files;
  }

  /** Lower-case name, as the command line spells it. */
  String id() {
    return name().toLowerCase(Locale.ROOT);
  }

  /**
   * The rows of that name; an empty set means all. Checks against an oracle always take part.
   *
   * @throws IllegalArgumentException for a name that no row of the suite has
   */
  List<Row> select(boolean quick, Set<String> names) {
    List<Row> rows = rows(quick);
    List<String> known = rows.stream().map(Row::name).toList();
    for (String name : names) {
      if (!known.contains(name)) {
        throw new IllegalArgumentException(
            "--rows: expected names out of " + String.join(", ", known) + ", got " + name);
      }
    }
    return rows.stream()
        .filter(row -> names.isEmpty() || names.contains(row.name()) || row.always())
        .toList();
  }
}
