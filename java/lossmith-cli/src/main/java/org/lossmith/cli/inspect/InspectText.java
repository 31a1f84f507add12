package org.lossmith.cli.inspect;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import org.lossmith.cli.ByteSize;
import org.lossmith.cli.Tables;
import org.lossmith.cli.inspect.InspectReport.TensorFacts;

/** What a model file holds, for people. */
final class InspectText {
  private static final int LONGEST_FACT = 72;

  private InspectText() {}

  /** Formats a report. */
  static String of(InspectReport report) {
    boolean statistics = report.tensors().stream().anyMatch(t -> t.notFinite() != null);
    boolean uses = report.tensors().stream().anyMatch(t -> !t.use().isEmpty());
    List<String> header = new ArrayList<>(List.of("tensor", "dtype", "shape", "size"));
    if (uses) {
      header.add(report.format().equals("onnx") ? "operator" : "file");
    }
    if (statistics) {
      header.addAll(List.of("min", "max", "mean", "not finite"));
    }
    List<List<String>> rows = new ArrayList<>();
    for (TensorFacts tensor : report.tensors()) {
      List<String> row = new ArrayList<>();
      row.add(tensor.name());
      row.add(tensor.dtype());
      row.add(Arrays.toString(tensor.shape()));
      row.add(ByteSize.format(tensor.bytes()));
      if (uses) {
        row.add(tensor.use());
      }
      if (statistics) {
        row.add(number(tensor.minimum()));
        row.add(number(tensor.maximum()));
        row.add(number(tensor.mean()));
        row.add(tensor.notFinite() == null ? "-" : tensor.notFinite().toString());
      }
      rows.add(row);
    }
    List<String> parts = new ArrayList<>();
    if (!rows.isEmpty()) {
      parts.add(Tables.format(header, rows));
      parts.add("");
    }
    report.facts().forEach((name, value) -> parts.add(name + ": " + shortened(value)));
    parts.add(
        String.format(
            Locale.ROOT,
            "%d tensors, %,d elements, %s.",
            report.tensors().size(),
            report.elements(),
            ByteSize.format(report.bytes())));
    return String.join(System.lineSeparator(), parts);
  }

  private static String shortened(String value) {
    String line = value.replaceAll("\\s+", " ");
    return line.length() <= LONGEST_FACT ? line : line.substring(0, LONGEST_FACT - 3) + "...";
  }

  private static String number(Double value) {
    return value == null ? "-" : String.format(Locale.ROOT, "%.4g", value);
  }
}
