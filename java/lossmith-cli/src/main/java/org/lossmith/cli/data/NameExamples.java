package org.lossmith.cli.data;

import java.util.List;

/** Names as examples: a name is a point, the entities that it names are its labels. */
public final class NameExamples {
  private NameExamples() {}

  /**
   * Makes examples.
   *
   * @param buckets slots of the table that the n-grams are hashed into, a power of two
   * @param entities number of entities that exist
   */
  public static Examples of(List<Name> names, int buckets, int entities) {
    int[] offsets = new int[names.size() + 1];
    for (int i = 0; i < names.size(); i++) {
      offsets[i + 1] = offsets[i] + names.get(i).entities().size();
    }
    int[] labels =
        names.stream().flatMap(n -> n.entities().stream()).mapToInt(Integer::intValue).toArray();
    Features features = Features.of(names.stream().map(Name::text).toList(), buckets);
    return new Examples(features, offsets, labels, entities);
  }
}
