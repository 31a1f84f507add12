package org.lossmith.cli.data;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.stream.LongStream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

class NamesTest {
  private static final Set<String> LANGUAGES = Set.of("de", "fr", "ja", "sw", "uk", "vi");
  private static CldrNames names;

  @BeforeAll
  static void load() {
    names = CldrNames.load(LANGUAGES::contains);
  }

  @Test
  void knowsNamesOfEveryKind() {
    assertName("Deutschland", "Germany", "de");
    assertName("スイス フラン", "Swiss Franc", "ja");
    assertName("vietnamien", "Vietnamese", "fr");
    assertName("Mitteleuropäische Normalzeit", "Central European Standard Time", "de");
    assertTrue(names.entities().size() > 700, "entities: " + names.entities().size());
    assertTrue(names.names().size() > 3000, "names: " + names.names().size());
  }

  @Test
  void leavesOutWhatIsNotTranslated() {
    for (Name name : names.names()) {
      for (int entity : name.entities()) {
        assertFalse(name.text().equalsIgnoreCase(names.entities().get(entity).english()));
        assertFalse(name.text().equalsIgnoreCase(names.entities().get(entity).code()));
      }
    }
    assertFalse(names.languages().contains("en"));
  }

  @Test
  void doesNotDependOnTheDefaultLocale() {
    Locale before = Locale.getDefault();
    try {
      Locale.setDefault(Locale.KOREAN);
      assertEquals(names, CldrNames.load(LANGUAGES::contains));
      assertEquals(Locale.KOREAN, Locale.getDefault());
    } finally {
      Locale.setDefault(before);
    }
  }

  @Test
  void aSplitSharesNoTextAndRepeatsItself() {
    Split split = Split.of(names, 0.2, 0.1, 7);
    Set<String> texts = new HashSet<>();
    for (List<Name> part : List.of(split.training(), split.heldOut(), split.zeroShot())) {
      part.forEach(n -> assertTrue(texts.add(n.text()), n.text()));
    }
    assertEquals(names.names().size(), texts.size());
    assertEquals(1, split.heldOutLanguages().size());
    int unseen = names.languages().indexOf(split.heldOutLanguages().get(0));
    split.zeroShot().forEach(n -> assertEquals(List.of(unseen), n.languages()));
    split.training().forEach(n -> assertFalse(n.languages().equals(List.of(unseen))));
    assertEquals(split, Split.of(names, 0.2, 0.1, 7));
    assertFalse(split.equals(Split.of(names, 0.2, 0.1, 8)));
  }

  @Test
  void nGramsSeeLettersAndNotSpelling() {
    assertArrayEquals(NGrams.hashes("Österreich", 1, 4), NGrams.hashes(" ÖSTERREICH. ", 1, 4));
    // " ab ": a, b, and the three pairs with the marks of start and end.
    assertEquals(5, NGrams.hashes("ab", 1, 2).length);
    assertEquals(5, LongStream.of(NGrams.hashes("ab", 1, 2)).distinct().count());
    long[] accented = NGrams.hashes("é", 1, 1);
    assertEquals(NGrams.hashes("e", 1, 1)[0], accented[0]);
    assertEquals(2, accented.length);
  }

  @Test
  void similarEnglishNamesHaveSimilarVectors() {
    int width = 256;
    List<Entity> entities =
        List.of(
            new Entity(Kind.COUNTRY, "CH", "Switzerland"),
            new Entity(Kind.COUNTRY, "XX", "Switzerlands"),
            new Entity(Kind.COUNTRY, "JP", "Japan"));
    float[] vectors = EnglishEmbedding.of(entities, width, 1);
    assertEquals(1, cosine(vectors, 0, 0, width), 1e-5);
    assertTrue(cosine(vectors, 0, 1, width) > 0.5);
    assertEquals(0, cosine(vectors, 0, 2, width), 0.3);
  }

  private static void assertName(String text, String english, String language) {
    Name name = names.names().stream().filter(n -> n.text().equals(text)).findFirst().orElseThrow();
    assertTrue(
        name.entities().stream().anyMatch(e -> names.entities().get(e).english().equals(english)));
    assertTrue(name.languages().contains(names.languages().indexOf(language)));
  }

  private static double cosine(float[] vectors, int i, int j, int width) {
    double sum = 0;
    for (int d = 0; d < width; d++) {
      sum += vectors[i * width + d] * vectors[j * width + d];
    }
    return sum;
  }
}
