package org.lossmith.cli.demo;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.lossmith.cli.ByteSize;
import org.lossmith.cli.Tables;

/** The report of the demo for people. */
final class DemoText {
  private DemoText() {}

  /** Formats a report. */
  static String of(DemoReport report) {
    List<String> parts = new ArrayList<>();
    parts.add(data(report));
    parts.add(scores(report));
    parts.add(costs(report));
    parts.add(memory(report));
    parts.add(SeveralText.of(report));
    parts.add(QuantizedText.of(report));
    parts.add(
        line("%.0f seconds in total. Written:", report.seconds())
            + System.lineSeparator()
            + String.join(
                System.lineSeparator(), report.files().stream().map(f -> "  " + f).toList()));
    return String.join(System.lineSeparator() + System.lineSeparator(), parts);
  }

  private static String data(DemoReport report) {
    DemoReport.Data data = report.data();
    return String.join(
        System.lineSeparator(),
        line(
            "CLDR names of JDK %s: %,d names of %,d entities (%d countries, %d languages,",
            report.javaVersion(),
            data.names(),
            data.entities(),
            data.countries(),
            data.languageNames()),
        line(
            "%d currencies, %d time zones) in %d languages.",
            data.currencies(), data.timeZones(), data.languages()),
        line(
            "Trained on %,d pairs, N = %,d in a step, epochs: %d, temperature: %s, seed: %d.",
            data.trainingPairs(),
            report.batch(),
            report.settings().epochs(),
            report.settings().temperature(),
            report.settings().seed()),
        line(
            "Judged by %,d held-out names, and by %,d names that only %d held-out languages use.",
            data.heldOutNames(), data.zeroShotNames(), data.heldOutLanguages().size()));
  }

  private static String scores(DemoReport report) {
    List<List<String>> rows = new ArrayList<>();
    for (DemoReport.Loss loss : report.losses()) {
      rows.add(row(loss.name(), "held-out names", loss.heldOut()));
      rows.add(row(loss.name(), "held-out languages (zero-shot)", loss.zeroShot()));
    }
    return Tables.format(List.of("loss", "judged by", "P@1", "P@5", "MRR"), rows);
  }

  private static List<String> row(String loss, String what, Scores scores) {
    return List.of(
        loss,
        what,
        line("%.1f %%", 100 * scores.precisionAt1()),
        line("%.1f %%", 100 * scores.precisionAt5()),
        line("%.3f", scores.meanReciprocalRank()));
  }

  private static String costs(DemoReport report) {
    List<List<String>> rows =
        report.losses().stream()
            .map(
                l ->
                    List.of(
                        l.name(),
                        line("%.2f s", l.secondsPerEpoch()),
                        line("%.1f ms", l.lossMillisecondsPerStep()),
                        l.plan(),
                        ByteSize.format(l.workspaceBytes())))
            .toList();
    return Tables.format(
        List.of("loss", "epoch", "loss + gradient per step", "plan", "workspace"), rows);
  }

  private static String memory(DemoReport report) {
    DemoReport.Memory memory = report.memory();
    return String.join(
        System.lineSeparator(),
        line(
            "Memory: workspace %s, encoder %s, whole process at its peak %s.",
            ByteSize.format(memory.workspace()),
            ByteSize.format(memory.encoder()),
            ByteSize.format(memory.peakResident())),
        line(
            "Not held: an N x N matrix takes %s; composed of matrix operations InfoNCE keeps %d of",
            ByteSize.format(memory.oneMatrix()), DemoReport.Memory.INFONCE_MATRICES),
        line(
            "them (%s), CWCL %d (%s).",
            ByteSize.format(memory.composedInfonce()),
            DemoReport.Memory.CWCL_MATRICES,
            ByteSize.format(memory.composedCwcl())));
  }

  private static String line(String format, Object... values) {
    return String.format(Locale.ROOT, format, values);
  }
}
