package org.lossmith.bench.report;

import java.util.List;
import java.util.StringJoiner;

/** The report as a short Markdown page. */
final class Markdown {
  private Markdown() {}

  static String of(Report report) {
    StringBuilder text = new StringBuilder("# Benchmark results\n\n");
    report.getMachine().forEach((key, value) -> text.append("- " + key + ": " + value + "\n"));
    report.getVersions().forEach((key, value) -> text.append("- " + key + ": " + value + "\n"));
    report.getRun().forEach((key, value) -> text.append("- " + key + ": " + value + "\n"));
    text.append(
        "\nEvery time is the median over the rounds of one call with loss and both gradients.\n");
    text.append(
        "GFLOP/s counts the operations of the floor for everybody: 8 N^2 D for contrastive\n");
    text.append(
        "losses, 6 B L D for losses over L labels (N in the tables). Extra memory is the growth\n");
    text.append("of resident memory over a call, in a process of its own.\n");
    if (!report.getVerdicts().isEmpty()) {
      text.append("\n## Figures and targets\n\n");
      text.append(line("row", "figure", "value", "quartiles", "target", "met"));
      text.append(line("---", "---", "---:", "---:", "---", "---"));
      for (Verdict v : report.getVerdicts()) {
        text.append(
            line(
                v.row(),
                v.name(),
                Format.number(v.value()),
                Format.number(v.low()) + " - " + Format.number(v.high()),
                v.target(),
                v.met() == null ? "" : v.met() ? "yes" : "no"));
      }
    }
    for (String row : report.getMeasurements().stream().map(Measurement::row).distinct().toList()) {
      text.append("\n## ").append(row).append("\n\n");
      measurements(text, report.measurements(row));
    }
    return text.toString();
  }

  private static void measurements(StringBuilder text, List<Measurement> lines) {
    text.append(
        line("who", "N", "plan", "median", "GFLOP/s", "floor/time", "workspace", "extra memory"));
    text.append(line("---", "---:", "---", "---:", "---:", "---:", "---:", "---:"));
    for (Measurement m : lines) {
      text.append(
          line(
              m.name(),
              m.n() == null ? "" : m.n().toString(),
              m.plan() == null ? "" : m.plan(),
              Format.seconds(m.time().median()),
              Format.gigaflops(m.operationsPerSecond()),
              Format.optional(m.floorRatio()),
              Format.mebibytes(m.workspaceBytes()),
              Format.mebibytes(m.extraBytes())));
    }
  }

  private static String line(String... cells) {
    StringJoiner joiner = new StringJoiner(" | ", "| ", " |\n");
    for (String cell : cells) {
      joiner.add(cell);
    }
    return joiner.toString();
  }
}
