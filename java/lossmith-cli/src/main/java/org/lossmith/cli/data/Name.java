package org.lossmith.cli.data;

import java.util.List;

/**
 * A distinct foreign name.
 *
 * @param text the name as written
 * @param entities indices of the entities that it names, ascending; usually one
 * @param languages indices of the languages that use it, ascending
 */
public record Name(String text, List<Integer> entities, List<Integer> languages) {
  /** Takes immutable copies of the lists. */
  public Name {
    entities = List.copyOf(entities);
    languages = List.copyOf(languages);
  }
}
