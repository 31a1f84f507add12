package org.lossmith.cli.train;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.lossmith.cli.data.CldrNames;
import org.lossmith.cli.data.EnglishEmbedding;
import org.lossmith.cli.data.Examples;
import org.lossmith.cli.data.Name;
import org.lossmith.cli.data.NameExamples;
import org.lossmith.cli.data.Split;
import org.lossmith.cli.data.XmcExamples;

/**
 * What is trained on and judged by.
 *
 * @param source where it comes from, for people
 * @param training the examples to train on
 * @param tests the examples to judge by, by what they are
 * @param labelStart vectors of the labels to begin with; null: random ones
 */
record TrainData(
    String source, Examples training, Map<String, Examples> tests, float[] labelStart) {
  private static final double HELD_OUT_LANGUAGES = 0.12;
  private static final double HELD_OUT_NAMES = 0.10;
  private static final int BUCKETS = 1 << 16;
  private static final List<String> QUICK_LANGUAGES =
      List.of("de", "fr", "es", "ja", "ru", "tr", "sv", "sw");

  /** Reads two files. */
  static TrainData ofFiles(Path training, Path test) {
    Examples examples = XmcExamples.read("--train", training, null);
    Map<String, Examples> tests = new LinkedHashMap<>();
    tests.put("test points", XmcExamples.read("--test", test, examples));
    return new TrainData(training.toString(), examples, tests, null);
  }

  /**
   * Reads the names of the JDK. A name is a point, the entities that it names are its labels, which
   * begin with the fixed embedding of their English names.
   *
   * @param quick whether to read a few languages only
   */
  static TrainData ofNames(TrainSettings settings, boolean quick) {
    CldrNames names = CldrNames.load(code -> !quick || QUICK_LANGUAGES.contains(code));
    Split split = Split.of(names, HELD_OUT_LANGUAGES, HELD_OUT_NAMES, settings.seed());
    int entities = names.entities().size();
    Map<String, Examples> tests = new LinkedHashMap<>();
    tests.put("held-out names", NameExamples.of(split.heldOut(), BUCKETS, entities));
    tests.put("their names of several entities", several(split.heldOut(), entities));
    tests.put("held-out languages", NameExamples.of(split.zeroShot(), BUCKETS, entities));
    return new TrainData(
        "CLDR names of JDK " + System.getProperty("java.version"),
        NameExamples.of(split.training(), BUCKETS, entities),
        tests,
        EnglishEmbedding.of(names.entities(), settings.dimension(), settings.seed()));
  }

  private static Examples several(List<Name> names, int entities) {
    List<Name> ambiguous = new ArrayList<>(names);
    ambiguous.removeIf(name -> name.entities().size() < 2);
    return NameExamples.of(ambiguous, BUCKETS, entities);
  }
}
