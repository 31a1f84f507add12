package org.lossmith.cli.quantize;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.lossmith.cli.ByteSize;
import org.lossmith.cli.Tables;

/** The report of a quantization for people. */
final class QuantizeText {
  static final List<String> HEADER =
      List.of(
          "layer",
          "operator",
          "shape",
          "bits",
          "exponent",
          "scales",
          "SQNR dB",
          "uniform dB",
          "asymmetric dB",
          "before",
          "after",
          "ms");

  static final List<String> CALIBRATION_HEADER =
      List.of(
          "error of outputs",
          "inputs",
          "before",
          "after",
          "held out before",
          "after",
          "steps",
          "used");

  private QuantizeText() {}

  /** Formats a report. */
  static String of(QuantizeReport report) {
    List<String> parts = new ArrayList<>();
    parts.add(Tables.format(HEADER, report.layers().stream().map(QuantizeText::row).toList()));
    List<List<String>> calibrated = calibrationRows(report);
    if (!calibrated.isEmpty()) {
      parts.add(Tables.format(CALIBRATION_HEADER, calibrated));
    }
    parts.add(String.join(System.lineSeparator(), summary(report)));
    return String.join(System.lineSeparator() + System.lineSeparator(), parts);
  }

  /** A row of the table. */
  static List<String> row(LayerReport layer) {
    return List.of(
        layer.name(),
        layer.operator(),
        shape(layer.shape()),
        Integer.toString(layer.bits()),
        range(layer.lowestExponent(), layer.highestExponent(), "%.3f"),
        range(layer.lowestScale(), layer.highestScale(), "%.3g"),
        decibels(layer.sqnr()),
        decibels(layer.uniformSymmetric()),
        decibels(layer.uniformAsymmetric()),
        ByteSize.format(layer.bytesBefore()),
        ByteSize.format(layer.bytesAfter()),
        line("%.1f", layer.milliseconds()));
  }

  /** What calibration did, a row for each weight that it was applied to. */
  static List<List<String>> calibrationRows(QuantizeReport report) {
    List<List<String>> rows = new ArrayList<>();
    for (LayerReport layer : report.layers()) {
      LayerReport.Calibrated calibrated = layer.calibration();
      if (calibrated != null) {
        rows.add(
            List.of(
                layer.name(),
                line("%,d", calibrated.rows()),
                percent(calibrated.before()),
                percent(calibrated.after()),
                percent(calibrated.heldOutBefore()),
                percent(calibrated.heldOutAfter()),
                Integer.toString(calibrated.iterations()),
                calibrated.kept() ? "yes" : "no"));
      }
    }
    return rows;
  }

  /** The sentences under the table. */
  static List<String> summary(QuantizeReport report) {
    List<String> lines = new ArrayList<>();
    lines.add(
        line(
            "%d weights: %s at %d bits, exponent %s, a scale for each %s.",
            report.layers().size(),
            report.method(),
            report.bits(),
            report.exponent(),
            report.sharing()));
    lines.add(
        line(
            "SQNR over all of them %s dB; uniform symmetric %s dB, asymmetric %s dB.",
            decibels(report.sqnr()),
            decibels(report.uniformSymmetric()),
            decibels(report.uniformAsymmetric())));
    lines.add(
        line(
            "Weights %s -> %s, %.2f times smaller; files %s -> %s, %.2f times smaller.",
            ByteSize.format(report.bytesBefore()),
            ByteSize.format(report.bytesAfter()),
            ratio(report.bytesBefore(), report.bytesAfter()),
            ByteSize.format(report.fileBytesBefore()),
            ByteSize.format(report.fileBytesAfter()),
            ratio(report.fileBytesBefore(), report.fileBytesAfter())));
    if (!report.skipped().isEmpty()) {
      lines.add("Left as they are: " + String.join(", ", report.skipped()) + ".");
    }
    lines.add(line("%s written in %.1f seconds.", report.out(), report.seconds()));
    return lines;
  }

  private static String percent(double share) {
    return Double.isFinite(share) ? line("%.3f %%", 100 * share) : "-";
  }

  private static double ratio(long before, long after) {
    return (double) before / Math.max(1, after);
  }

  static String decibels(double value) {
    return Double.isFinite(value) ? line("%.2f", value) : "-";
  }

  private static String range(double low, double high, String format) {
    String from = line(format, low);
    String to = line(format, high);
    return from.equals(to) ? from : from + " to " + to;
  }

  static String shape(long[] shape) {
    List<String> extents = new ArrayList<>();
    for (long extent : shape) {
      extents.add(Long.toString(extent));
    }
    return String.join("x", extents);
  }

  static String line(String format, Object... values) {
    return String.format(Locale.ROOT, format, values);
  }
}
