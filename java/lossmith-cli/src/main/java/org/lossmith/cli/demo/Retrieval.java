package org.lossmith.cli.demo;

import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import org.lossmith.cli.data.Features;
import org.lossmith.cli.data.Name;
import org.lossmith.cli.encoder.BagEncoder;
import org.lossmith.cli.encoder.Parallel;

/**
 * Finds for each name the nearest entities by cosine. A tie counts against the name: the right
 * entity ranks behind the wrong ones with the same cosine.
 */
final class Retrieval {
  private static final int TOP = 5;

  /** {@code [width, count]}: the innermost loop runs over entities, which the JIT vectorises. */
  private final float[] transposed;

  private final int count;
  private final int width;

  /**
   * Creates the search.
   *
   * @param entities vectors of norm 1, {@code [count, width]}
   */
  Retrieval(float[] entities, int width) {
    this.width = width;
    count = entities.length / width;
    transposed = new float[entities.length];
    for (int e = 0; e < count; e++) {
      for (int d = 0; d < width; d++) {
        transposed[d * count + e] = entities[e * width + d];
      }
    }
  }

  /** Scores an encoder on names. */
  Scores score(BagEncoder encoder, Features features, List<Name> names) {
    int[] rows = IntStream.range(0, names.size()).toArray();
    float[] vectors = new float[rows.length * width];
    encoder.encode(features, rows, vectors);
    int[] ranks = new int[rows.length];
    Parallel.forRanges(
        rows.length,
        (from, to) -> {
          float[] cosines = new float[count];
          for (int i = from; i < to; i++) {
            ranks[i] = rank(vectors, i, names.get(i).entities(), cosines);
          }
        });
    double total = Math.max(1, rows.length);
    return new Scores(
        IntStream.of(ranks).filter(r -> r == 1).count() / total,
        IntStream.of(ranks).filter(r -> r <= TOP).count() / total,
        IntStream.of(ranks).mapToDouble(r -> 1.0 / r).sum() / total);
  }

  /** Rank, from 1, of the nearest right entity. The norm of the name does not change it. */
  private int rank(float[] vectors, int name, List<Integer> right, float[] cosines) {
    Arrays.fill(cosines, 0f);
    for (int d = 0; d < width; d++) {
      float value = vectors[name * width + d];
      for (int e = 0; e < count; e++) {
        cosines[e] += value * transposed[d * count + e];
      }
    }
    float best = Float.NEGATIVE_INFINITY;
    for (int e : right) {
      best = Math.max(best, cosines[e]);
    }
    int rank = 1;
    for (int e = 0; e < count; e++) {
      // Not "at least best": a vector of NaN must rank last.
      if (!(cosines[e] < best) && !right.contains(e)) {
        rank++;
      }
    }
    return rank;
  }
}
