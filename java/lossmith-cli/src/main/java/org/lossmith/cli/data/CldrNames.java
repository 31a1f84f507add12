package org.lossmith.cli.data;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.Currency;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TimeZone;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.Function;
import java.util.function.Predicate;
import java.util.stream.Collectors;

/**
 * The names of countries, languages, currencies and time zones in every language that this JDK's
 * CLDR data (module {@code jdk.localedata}) holds. Names that a language does not translate, where
 * the JDK falls back to the code or to English, are left out.
 *
 * @param entities what has names, with distinct English names within each kind
 * @param languages the languages by their ISO 639 code; scripts of one language are one language
 * @param names the distinct foreign names, in the order of their text
 */
public record CldrNames(List<Entity> entities, List<String> languages, List<Name> names) {
  /** Takes immutable copies of the lists. */
  public CldrNames {
    entities = List.copyOf(entities);
    languages = List.copyOf(languages);
    names = List.copyOf(names);
  }

  /** An entity and how the JDK names it in a language. */
  private record Source(Entity entity, Function<Locale, String> namer) {}

  /** One translation found: the name of an entity in a language. */
  private record Found(String text, int entity, int language) {}

  /**
   * Reads the names from the running JDK.
   *
   * @param wanted which languages to read, by ISO 639 code; English, the other side, is never read
   * @throws IllegalStateException if the JDK has no CLDR data but English
   */
  public static CldrNames load(Predicate<String> wanted) {
    // Locale falls back to the default locale before it falls back to English; take that away, or
    // the data would depend on the machine's settings.
    Locale before = Locale.getDefault();
    Locale.setDefault(Locale.ROOT);
    try {
      return read(wanted);
    } finally {
      Locale.setDefault(before);
    }
  }

  /** Number of different (name, entity) pairs. */
  public int pairs() {
    return names.stream().mapToInt(n -> n.entities().size()).sum();
  }

  /** Number of names that name several entities. */
  public int ambiguousNames() {
    return (int) names.stream().filter(n -> n.entities().size() > 1).count();
  }

  private static CldrNames read(Predicate<String> wanted) {
    List<Locale> locales =
        Arrays.stream(Locale.getAvailableLocales())
            .filter(l -> !l.getLanguage().isEmpty() && !l.getLanguage().equals("en"))
            .filter(l -> l.getCountry().isEmpty() && l.getVariant().isEmpty())
            .map(Locale::stripExtensions)
            .distinct()
            .sorted(Comparator.comparing(Locale::toLanguageTag))
            .toList();
    if (locales.size() < 50) {
      throw new IllegalStateException(
          "locale data: expected the module jdk.localedata with its ~240 languages, got "
              + locales.size()
              + " languages; run a JDK whose image holds that module");
    }
    locales = locales.stream().filter(l -> wanted.test(l.getLanguage())).toList();
    List<String> languages =
        List.copyOf(
            locales.stream()
                .map(Locale::getLanguage)
                .collect(Collectors.toCollection(TreeSet::new)));
    List<Source> sources = sources();
    List<Found> found =
        locales.parallelStream()
            .flatMap(l -> translations(sources, l, languages.indexOf(l.getLanguage())).stream())
            .toList();
    List<Entity> entities = sources.stream().map(Source::entity).toList();
    return new CldrNames(entities, languages, group(found));
  }

  private static List<Found> translations(List<Source> sources, Locale locale, int language) {
    List<Found> found = new ArrayList<>();
    for (int e = 0; e < sources.size(); e++) {
      Entity entity = sources.get(e).entity();
      String text = sources.get(e).namer().apply(locale).strip();
      if (isTranslation(entity, text)) {
        found.add(new Found(text, e, language));
      }
    }
    return found;
  }

  private static boolean isTranslation(Entity entity, String text) {
    if (text.isEmpty()
        || text.equalsIgnoreCase(entity.code())
        || text.equalsIgnoreCase(entity.english())) {
      return false;
    }
    // A zone without a name is shown by its offset, "GMT+05:30" in the digits of the language.
    return entity.kind() != Kind.TIME_ZONE || text.codePoints().noneMatch(Character::isDigit);
  }

  private static List<Name> group(List<Found> found) {
    Map<String, List<Found>> byText =
        found.stream()
            .collect(Collectors.groupingBy(Found::text, TreeMap::new, Collectors.toList()));
    return byText.entrySet().stream()
        .map(
            entry ->
                new Name(
                    entry.getKey(),
                    distinct(entry.getValue(), Found::entity),
                    distinct(entry.getValue(), Found::language)))
        .toList();
  }

  private static List<Integer> distinct(List<Found> found, Function<Found, Integer> key) {
    return found.stream().map(key).distinct().sorted().toList();
  }

  private static List<Source> sources() {
    // Many identifiers share an English name (38 zones are "Eastern Standard Time"): the first, in
    // the order of the identifiers, stands for them all.
    Map<List<Object>, Source> sources = new LinkedHashMap<>();
    for (String code : sorted(Locale.getISOCountries())) {
      Locale country = locale("und-" + code);
      add(sources, Kind.COUNTRY, code, country::getDisplayCountry);
    }
    for (String code : sorted(Locale.getISOLanguages())) {
      Locale language = locale(code);
      add(sources, Kind.LANGUAGE, code, language::getDisplayLanguage);
    }
    Currency.getAvailableCurrencies().stream()
        .sorted(Comparator.comparing(Currency::getCurrencyCode))
        .forEach(c -> add(sources, Kind.CURRENCY, c.getCurrencyCode(), c::getDisplayName));
    for (String code : sorted(TimeZone.getAvailableIDs())) {
      if (code.contains("/") && !code.startsWith("Etc/") && !code.startsWith("SystemV/")) {
        TimeZone zone = TimeZone.getTimeZone(code);
        add(sources, Kind.TIME_ZONE, code, l -> zone.getDisplayName(false, TimeZone.LONG, l));
      }
    }
    return List.copyOf(sources.values());
  }

  private static void add(
      Map<List<Object>, Source> sources, Kind kind, String code, Function<Locale, String> namer) {
    String english = namer.apply(Locale.ENGLISH);
    Entity entity = new Entity(kind, code, english);
    if (!english.equals(code)
        && (kind != Kind.TIME_ZONE || english.codePoints().noneMatch(Character::isDigit))) {
      sources.putIfAbsent(List.of(kind, english), new Source(entity, namer));
    }
  }

  private static Locale locale(String tag) {
    return new Locale.Builder().setLanguageTag(tag).build();
  }

  private static String[] sorted(String[] codes) {
    String[] copy = codes.clone();
    Arrays.sort(copy);
    return copy;
  }
}
