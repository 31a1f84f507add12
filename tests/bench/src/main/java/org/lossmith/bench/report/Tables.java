package org.lossmith.bench.report;

import com.github.freva.asciitable.AsciiTable;
import com.github.freva.asciitable.Column;
import com.github.freva.asciitable.ColumnData;
import com.github.freva.asciitable.HorizontalAlign;
import java.io.PrintStream;
import java.util.List;
import java.util.function.Function;

/** The report in the terminal. */
public final class Tables {
  private Tables() {}

  /** Prints one table of measurements per row, then the targets. */
  public static void print(Report report, PrintStream out) {
    for (String row : report.getMeasurements().stream().map(Measurement::row).distinct().toList()) {
      out.println();
      out.println(row);
      out.println(measurements(report.measurements(row)));
    }
    if (!report.getVerdicts().isEmpty()) {
      out.println();
      out.println("Figures and targets");
      out.println(verdicts(report.getVerdicts()));
    }
  }

  private static String measurements(List<Measurement> lines) {
    return AsciiTable.getTable(
        AsciiTable.BASIC_ASCII_NO_DATA_SEPARATORS,
        lines,
        List.of(
            left("who", Measurement::name),
            right("N", m -> m.n() == null ? "" : m.n().toString()),
            left("plan", m -> m.plan() == null ? "" : m.plan()),
            right("median", m -> Format.seconds(m.time().median())),
            right("q1", m -> Format.seconds(m.time().q1())),
            right("q3", m -> Format.seconds(m.time().q3())),
            right("GFLOP/s", m -> Format.gigaflops(m.operationsPerSecond())),
            right("floor/time", m -> Format.optional(m.floorRatio())),
            right("workspace", m -> Format.mebibytes(m.workspaceBytes())),
            right("extra memory", m -> Format.mebibytes(m.extraBytes()))));
  }

  private static String verdicts(List<Verdict> lines) {
    return AsciiTable.getTable(
        AsciiTable.BASIC_ASCII_NO_DATA_SEPARATORS,
        lines,
        List.of(
            left("row", Verdict::row),
            left("figure", Verdict::name),
            right("value", v -> Format.number(v.value())),
            right("q1", v -> Format.number(v.low())),
            right("q3", v -> Format.number(v.high())),
            left("target", Verdict::target),
            left("met", v -> v.met() == null ? "" : v.met() ? "yes" : "NO")));
  }

  private static <T> ColumnData<T> left(String header, Function<T, String> value) {
    return new Column()
        .header(header)
        .headerAlign(HorizontalAlign.LEFT)
        .dataAlign(HorizontalAlign.LEFT)
        .with(value);
  }

  private static <T> ColumnData<T> right(String header, Function<T, String> value) {
    return new Column()
        .header(header)
        .headerAlign(HorizontalAlign.RIGHT)
        .dataAlign(HorizontalAlign.RIGHT)
        .with(value);
  }
}
