package org.lossmith.cli.data;

import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;

/**
 * Modality U: a fixed embedding of the entities' English names. The n-grams of the name and the
 * kind of the entity are weighted by their inverse document frequency and projected by a seeded
 * random matrix, one Gaussian row per n-gram, so that inner products approximate the weighted
 * n-gram overlap.
 */
public final class EnglishEmbedding {
  private static final int SHORTEST = 2;
  private static final int LONGEST = 4;

  private EnglishEmbedding() {}

  /**
   * Embeds entities.
   *
   * @return rows of norm 1, {@code [entities, width]} in C order
   */
  public static float[] of(List<Entity> entities, int width, long seed) {
    List<long[]> grams = entities.stream().map(EnglishEmbedding::grams).toList();
    Map<Long, Integer> frequency = new HashMap<>();
    for (long[] row : grams) {
      for (long gram : row) {
        frequency.merge(gram, 1, Integer::sum);
      }
    }
    float[] embedding = new float[entities.size() * width];
    for (int e = 0; e < entities.size(); e++) {
      double[] row = new double[width];
      for (long gram : grams.get(e)) {
        double idf = Math.log((1.0 + entities.size()) / frequency.get(gram));
        SplittableRandom random = new SplittableRandom(gram ^ seed);
        for (int k = 0; k < width; k++) {
          row[k] += idf * gaussian(random);
        }
      }
      normalise(row, embedding, e * width);
    }
    return embedding;
  }

  private static long[] grams(Entity entity) {
    long[] ofName =
        Arrays.stream(NGrams.hashes(entity.english(), SHORTEST, LONGEST)).distinct().toArray();
    long[] all = Arrays.copyOf(ofName, ofName.length + 1);
    // Tells the country Tonga from the language Tonga.
    all[ofName.length] = NGrams.mix(entity.kind().ordinal());
    return all;
  }

  private static double gaussian(SplittableRandom random) {
    // Box-Muller; SplittableRandom has no Gaussian of its own in Java 17's contract of sequences.
    double radius = Math.sqrt(-2 * Math.log(1 - random.nextDouble()));
    return radius * Math.cos(2 * Math.PI * random.nextDouble());
  }

  private static void normalise(double[] row, float[] target, int offset) {
    double sum = 0;
    for (double value : row) {
      sum += value * value;
    }
    double norm = Math.sqrt(sum);
    for (int k = 0; k < row.length; k++) {
      target[offset + k] = (float) (row[k] / norm);
    }
  }
}
