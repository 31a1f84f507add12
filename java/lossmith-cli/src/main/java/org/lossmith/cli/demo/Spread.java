package org.lossmith.cli.demo;

import java.util.stream.IntStream;
import org.lossmith.cli.data.Examples;
import org.lossmith.cli.train.LabelModel;

/**
 * How unequal the scores of the right entities of a name are: the largest less the smallest, mean
 * over names. Scores are cosines divided by the temperature, so that a spread of 1 makes one entity
 * e times as likely as another.
 */
final class Spread {
  private Spread() {}

  /** Measures a model. */
  static double of(LabelModel model, Examples names, double temperature) {
    int width = model.encoder().width();
    int[] rows = IntStream.range(0, names.rows()).toArray();
    float[] vectors = new float[rows.length * width];
    model.encoder().encode(names.features(), rows, vectors);
    float[] labels = model.labels().toFloatArray();
    double sum = 0;
    for (int row : rows) {
      double largest = Double.NEGATIVE_INFINITY;
      double smallest = Double.POSITIVE_INFINITY;
      for (int label : names.labels(row)) {
        double cosine = cosine(vectors, row * width, labels, label * width, width);
        largest = Math.max(largest, cosine);
        smallest = Math.min(smallest, cosine);
      }
      sum += (largest - smallest) / temperature;
    }
    return sum / rows.length;
  }

  private static double cosine(float[] a, int atA, float[] b, int atB, int width) {
    double product = 0;
    double squareA = 0;
    double squareB = 0;
    for (int d = 0; d < width; d++) {
      product += (double) a[atA + d] * b[atB + d];
      squareA += (double) a[atA + d] * a[atA + d];
      squareB += (double) b[atB + d] * b[atB + d];
    }
    return product / Math.max(1e-12, Math.sqrt(squareA * squareB));
  }
}
