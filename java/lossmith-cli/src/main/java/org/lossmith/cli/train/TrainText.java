package org.lossmith.cli.train;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.lossmith.cli.ByteSize;
import org.lossmith.cli.Tables;

/** The report of a training for people. */
final class TrainText {
  private TrainText() {}

  /** Formats a report. */
  static String of(TrainReport report) {
    return String.join(
        System.lineSeparator() + System.lineSeparator(),
        List.of(data(report), losses(report), scores(report), costs(report)));
  }

  private static String data(TrainReport report) {
    TrainSettings settings = report.settings();
    List<String> lines = new ArrayList<>();
    lines.add(
        line(
            "%s: %,d points with %,d labels of %,d, %,d features.",
            report.source(),
            report.trainingPoints(),
            report.trainingPairs(),
            report.labels(),
            report.features()));
    if (report.unlabelledPoints() > 0) {
      lines.add(line("%,d points have no label and took no part.", report.unlabelledPoints()));
    }
    lines.add(
        line(
            "Trained with %s, labels stepped by %s: %s/%s, temperature %s, batch %d, seed %d.",
            settings.loss(),
            settings.update(),
            settings.rate(),
            settings.labelRate(),
            settings.temperature(),
            settings.batch(),
            settings.seed()));
    if (report.continuedFrom() > 0) {
      lines.add(line("Continued after %,d steps.", report.continuedFrom()));
    }
    return String.join(System.lineSeparator(), lines);
  }

  private static String losses(TrainReport report) {
    List<List<String>> rows = new ArrayList<>();
    for (int i = 0; i < report.losses().size(); i++) {
      rows.add(List.of(Integer.toString(i + 1), line("%.4f", report.losses().get(i))));
    }
    return Tables.format(List.of("epoch", "loss"), rows);
  }

  private static String scores(TrainReport report) {
    List<List<String>> rows = new ArrayList<>();
    List<String> points = new ArrayList<>();
    for (LabelScores scores : report.scores()) {
      for (LabelScores.At at : scores.at()) {
        rows.add(
            List.of(
                scores.judgedBy(),
                Integer.toString(at.k()),
                percent(at.precision()),
                percent(at.recall()),
                percent(at.ndcg()),
                at.psp() == null ? "-" : percent(at.psp())));
      }
      points.add(
          line(
              "%s: %,d points, MRR %.3f.",
              scores.judgedBy(), scores.points(), scores.meanReciprocalRank()));
    }
    return Tables.format(List.of("judged by", "k", "P@k", "R@k", "nDCG@k", "PSP@k"), rows)
        + System.lineSeparator()
        + String.join(System.lineSeparator(), points);
  }

  private static String costs(TrainReport report) {
    String steps =
        report.millisecondsPerStep() == null
            ? line("%,d steps, all of them before.", report.steps())
            : line(
                "%,d steps of %.1f ms, %.1f ms of them in the library.",
                report.steps(), report.millisecondsPerStep(), report.lossMillisecondsPerStep());
    return String.join(
        System.lineSeparator(),
        line("%s %.0f seconds in total.", steps, report.seconds()),
        line(
            "Memory: model %s, workspace %s, whole process at its peak %s.",
            ByteSize.format(report.modelBytes()),
            ByteSize.format(report.workspaceBytes()),
            ByteSize.format(report.peakResident())));
  }

  private static String percent(double share) {
    return Double.isNaN(share) ? "-" : line("%.1f %%", 100 * share);
  }

  private static String line(String format, Object... values) {
    return String.format(Locale.ROOT, format, values);
  }
}
