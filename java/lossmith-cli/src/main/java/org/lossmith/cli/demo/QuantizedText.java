package org.lossmith.cli.demo;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.lossmith.cli.ByteSize;
import org.lossmith.cli.Tables;

/** The part of the report about the encoder's table in few bits, for people. */
final class QuantizedText {
  private QuantizedText() {}

  /** Formats that part. */
  static String of(DemoReport report) {
    DemoReport.Quantized quantized = report.quantized();
    List<String> lines = new ArrayList<>();
    lines.add(
        line(
            "The table of the %s encoder, %,d slots of %d numbers, in few bits: a scale for each"
                + " slot,",
            quantized.loss(), report.settings().buckets(), report.settings().width()));
    lines.add(
        "levels evenly spaced (uniform), or their powers 1 / a (power) with a from the table.");
    lines.add("");
    lines.add(table(report));
    lines.add("");
    lines.addAll(verdict(report));
    lines.add(
        "At 2 bits there is one level beside 0: a moves only the threshold, and 1 is nearest.");
    return String.join(System.lineSeparator(), lines);
  }

  private static String table(DemoReport report) {
    DemoReport.Quantized quantized = report.quantized();
    List<List<String>> rows = new ArrayList<>();
    Scores heldOut = quantized.heldOut();
    Scores zeroShot = quantized.zeroShot();
    rows.add(
        List.of(
            "32",
            ByteSize.format(quantized.bytes()),
            "-",
            percent(heldOut),
            percent(heldOut),
            percent(zeroShot),
            percent(zeroShot)));
    for (int bits : QuantizedTable.BITS) {
      QuantizedReport uniform = quantized.uniform(bits);
      QuantizedReport power = quantized.power(bits);
      rows.add(
          List.of(
              String.valueOf(bits),
              ByteSize.format(power.bytes()),
              line("%.2f", power.exponent()),
              percent(uniform.heldOut()),
              percent(power.heldOut()),
              percent(uniform.zeroShot()),
              percent(power.zeroShot())));
    }
    return Tables.format(
        List.of(
            "bits",
            "table",
            "a",
            "P@1 held-out, uniform",
            "power",
            "P@1 zero-shot, uniform",
            "power"),
        rows);
  }

  /** Where the grids differ by more than chance, in words. */
  private static List<String> verdict(DemoReport report) {
    DemoReport.Quantized quantized = report.quantized();
    int names = report.data().heldOutNames();
    List<String> better = new ArrayList<>();
    List<String> worse = new ArrayList<>();
    for (int bits : QuantizedTable.BITS) {
      double uniform = quantized.uniform(bits).heldOut().precisionAt1();
      double power = quantized.power(bits).heldOut().precisionAt1();
      double noise = 2 * Math.sqrt((variance(uniform) + variance(power)) / names);
      if (Math.abs(power - uniform) >= noise) {
        (power > uniform ? better : worse).add(String.valueOf(bits));
      }
    }
    List<String> lines = new ArrayList<>();
    if (better.isEmpty() && worse.isEmpty()) {
      lines.add("The grids cannot be told from each other by P@1 on held-out names.");
    }
    if (!better.isEmpty()) {
      lines.add(
          line("On held-out names power is better by more than noise at %s bits.", list(better)));
    }
    if (!worse.isEmpty()) {
      lines.add(
          line("On held-out names power is worse by more than noise at %s bits.", list(worse)));
    }
    return lines;
  }

  private static String list(List<String> bits) {
    return String.join(" and ", bits);
  }

  /** Of a share, as if names were found or not independently of each other. */
  private static double variance(double share) {
    return share * (1 - share);
  }

  private static String percent(Scores scores) {
    return line("%.1f %%", 100 * scores.precisionAt1());
  }

  private static String line(String format, Object... values) {
    return String.format(Locale.ROOT, format, values);
  }
}
