package org.lossmith.cli.data;

/**
 * A thing that has a name in many languages.
 *
 * @param kind what sort of thing
 * @param code its identifier, for example {@code DE}, {@code fr}, {@code CHF}, {@code
 *     Europe/Berlin}
 * @param english its English name, unique within the kind
 */
public record Entity(Kind kind, String code, String english) {}
