package org.lossmith.cli.data;

import java.text.Normalizer;
import java.util.Locale;
import java.util.stream.IntStream;
import java.util.stream.LongStream;

/**
 * Character n-grams of texts as 64-bit hashes. Text is lower-cased and decomposed (NFKD: accents
 * and Hangul syllables come apart, so that related spellings share n-grams), and each word gets a
 * mark at its start and end.
 */
public final class NGrams {
  private static final int BOUNDARY = ' ';

  private NGrams() {}

  /**
   * Hashes the n-grams of a text, with repetitions, in the order of their place.
   *
   * @param text any text
   * @param shortest smallest length in code points, at least 1
   * @param longest largest length, at least {@code shortest}
   */
  public static long[] hashes(String text, int shortest, int longest) {
    int[] points = codePoints(text);
    return IntStream.rangeClosed(shortest, longest)
        .mapToObj(n -> hashes(points, n))
        .flatMapToLong(LongStream::of)
        .toArray();
  }

  private static long[] hashes(int[] points, int n) {
    return IntStream.rangeClosed(0, points.length - n)
        .filter(start -> n > 1 || points[start] != BOUNDARY)
        .mapToLong(start -> hash(points, start, start + n))
        .toArray();
  }

  private static int[] codePoints(String text) {
    String plain =
        Normalizer.normalize(text, Normalizer.Form.NFKD).toLowerCase(Locale.ROOT).strip();
    return (" " + plain.replaceAll("[\\s\\p{Punct}]+", " ").strip() + " ").codePoints().toArray();
  }

  private static long hash(int[] points, int from, int to) {
    long h = to - from;
    for (int i = from; i < to; i++) {
      h = mix(h + points[i]);
    }
    return h;
  }

  /** A bijection of the 64-bit integers that spreads every input bit (xor-shift-multiply). */
  static long mix(long x) {
    long h = (x + 0x9E3779B97F4A7C15L) * 0xD6E8FEB86659FD93L;
    h = (h ^ (h >>> 32)) * 0xD6E8FEB86659FD93L;
    return h ^ (h >>> 32);
  }
}
