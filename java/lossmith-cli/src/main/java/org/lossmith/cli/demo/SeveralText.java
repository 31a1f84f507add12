package org.lossmith.cli.demo;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.lossmith.cli.Tables;

/** The part of the report about names of several entities, for people. */
final class SeveralText {
  private static final String INFONCE = "multilabel-infonce";
  private static final String DECOUPLED = "decoupled-softmax";

  private SeveralText() {}

  /** Formats that part. */
  static String of(DemoReport report) {
    DemoReport.Several several = report.several();
    List<String> lines = new ArrayList<>();
    lines.add(
        line(
            "A name looks for all its entities, whose vectors are trained, too. Judged by %,d"
                + " held-out",
            several.heldOutNames()));
    lines.add(
        line(
            "names of several entities (%.1f on average); %,d of them were trained on, epochs: %d.",
            several.meanEntities(), several.trainedNames(), report.settings().labelEpochs()));
    lines.add("Spread: largest less smallest score of a name's right entities, 1 is a factor e.");
    lines.add("");
    lines.add(table(several.losses()));
    lines.add("");
    lines.addAll(verdict(several));
    return String.join(System.lineSeparator(), lines);
  }

  private static String table(List<SeveralReport> losses) {
    return Tables.format(
        List.of("loss", "P@1", "P@5", "R@5", "R@20", "spread", "spread, trained", "epoch"),
        losses.stream()
            .map(
                l ->
                    List.of(
                        l.name(),
                        percent(l.precisionAt1()),
                        percent(l.precisionAt5()),
                        percent(l.recallAt5()),
                        percent(l.recall().get(SeveralReport.DEEPEST - 1)),
                        line("%.2f", l.heldOutSpread()),
                        line("%.2f", l.trainedSpread()),
                        line("%.2f s", l.secondsPerEpoch())))
            .toList());
  }

  /** Whether the numbers say what the paper says, in words. */
  private static List<String> verdict(DemoReport.Several several) {
    SeveralReport coupled = named(several.losses(), INFONCE);
    SeveralReport decoupled = named(several.losses(), DECOUPLED);
    boolean closer = decoupled.trainedSpread() < coupled.trainedSpread();
    double entities = several.heldOutNames() * several.meanEntities();
    double gain = decoupled.recallAt5() - coupled.recallAt5();
    double noise = 2 * Math.sqrt((variance(decoupled) + variance(coupled)) / entities);
    String found =
        Math.abs(gain) < noise ? "cannot be told from noise" : gain > 0 ? "shows" : "does not show";
    return List.of(
        "The paper (arXiv 2310.10636) lets expect that decoupled softmax, in which the right"
            + " entities",
        "do not compete with each other, leaves their scores less unequal than InfoNCE and finds"
            + " more",
        line(
            "of them. One seed: the first %s here (spread on trained names %.2f against %.2f),",
            closer ? "shows" : "does not show", decoupled.trainedSpread(), coupled.trainedSpread()),
        line(
            "the second %s (R@5 %s against %s of %.0f entities).",
            found, percent(decoupled.recallAt5()), percent(coupled.recallAt5()), entities));
  }

  /** Of a share, as if entities were found or not independently of each other. */
  private static double variance(SeveralReport report) {
    return report.recallAt5() * (1 - report.recallAt5());
  }

  private static SeveralReport named(List<SeveralReport> losses, String name) {
    return losses.stream().filter(l -> l.name().equals(name)).findFirst().orElseThrow();
  }

  private static String percent(double share) {
    return line("%.1f %%", 100 * share);
  }

  private static String line(String format, Object... values) {
    return String.format(Locale.ROOT, format, values);
  }
}
