package org.lossmith.cli.data;

import java.util.ArrayList;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;

/**
 * Names for training and names to be judged by. No text occurs in two of the three lists.
 *
 * @param training names that languages of the training split use
 * @param heldOut names of the same languages, kept out of the training: unseen pairs
 * @param zeroShot names that only held-out languages use: unseen languages
 * @param heldOutLanguages the codes of the held-out languages
 */
public record Split(
    List<Name> training, List<Name> heldOut, List<Name> zeroShot, List<String> heldOutLanguages) {
  /** Takes immutable copies of the lists. */
  public Split {
    training = List.copyOf(training);
    heldOut = List.copyOf(heldOut);
    zeroShot = List.copyOf(zeroShot);
    heldOutLanguages = List.copyOf(heldOutLanguages);
  }

  /**
   * Draws a split.
   *
   * @param names all names
   * @param languageShare share of the languages to hold out, in (0, 1)
   * @param nameShare share of the other languages' names to hold out, in (0, 1)
   * @param seed the same seed gives the same split
   */
  public static Split of(CldrNames names, double languageShare, double nameShare, long seed) {
    Random random = new Random(seed);
    List<Integer> languages = new ArrayList<>();
    for (int i = 0; i < names.languages().size(); i++) {
      languages.add(i);
    }
    Collections.shuffle(languages, random);
    int unseen = Math.max(1, (int) Math.round(languageShare * languages.size()));
    Set<Integer> heldOutLanguages = new HashSet<>(languages.subList(0, unseen));

    List<Name> training = new ArrayList<>();
    List<Name> heldOut = new ArrayList<>();
    List<Name> zeroShot = new ArrayList<>();
    for (Name name : names.names()) {
      // Drawn for every name, so that one list does not depend on the size of another.
      boolean hold = random.nextDouble() < nameShare;
      if (heldOutLanguages.containsAll(name.languages())) {
        zeroShot.add(name);
      } else if (hold) {
        heldOut.add(name);
      } else {
        training.add(name);
      }
    }
    List<String> codes = heldOutLanguages.stream().map(names.languages()::get).sorted().toList();
    return new Split(training, heldOut, zeroShot, codes);
  }
}
