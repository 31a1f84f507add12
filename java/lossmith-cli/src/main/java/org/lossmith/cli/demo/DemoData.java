package org.lossmith.cli.demo;

import java.util.List;
import java.util.stream.IntStream;
import org.lossmith.cli.data.CldrNames;
import org.lossmith.cli.data.EnglishEmbedding;
import org.lossmith.cli.data.Features;
import org.lossmith.cli.data.Name;
import org.lossmith.cli.data.Split;

/**
 * Everything that both trainings read, made once.
 *
 * @param names the names of the JDK
 * @param split which of them train and which judge
 * @param english modality U: the entities' vectors of norm 1, {@code [entities, width]}
 * @param training features of the training names
 * @param heldOut features of the held-out names
 * @param zeroShot features of the names of held-out languages
 * @param pairNames row of the training features of each training pair
 * @param pairEntities entity of each training pair
 */
record DemoData(
    CldrNames names,
    Split split,
    float[] english,
    Features training,
    Features heldOut,
    Features zeroShot,
    int[] pairNames,
    int[] pairEntities) {

  /** Reads the names and prepares them. */
  static DemoData load(DemoSettings settings) {
    CldrNames names = CldrNames.load(code -> isRead(code, settings.languageShare()));
    Split split =
        Split.of(
            names, DemoSettings.HELD_OUT_LANGUAGES, DemoSettings.HELD_OUT_NAMES, settings.seed());
    List<Name> training = split.training();
    return new DemoData(
        names,
        split,
        EnglishEmbedding.of(names.entities(), settings.width(), settings.seed()),
        features(training, settings),
        features(split.heldOut(), settings),
        features(split.zeroShot(), settings),
        IntStream.range(0, training.size())
            .flatMap(n -> training.get(n).entities().stream().mapToInt(e -> n))
            .toArray(),
        training.stream().flatMap(n -> n.entities().stream()).mapToInt(e -> e).toArray());
  }

  /** A fixed choice of languages: by their code, not by their order, which JDKs change. */
  private static boolean isRead(String code, double share) {
    return Math.floorMod(code.hashCode() * 0x9E3779B9, 1000) < 1000 * share;
  }

  private static Features features(List<Name> names, DemoSettings settings) {
    return Features.of(names.stream().map(Name::text).toList(), settings.buckets());
  }
}
