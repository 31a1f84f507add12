package org.lossmith.cli.train;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Random;
import java.util.stream.LongStream;
import org.lossmith.data.XmcHeader;
import org.lossmith.data.XmcRow;
import org.lossmith.data.XmcWriter;

/**
 * Points about topics: a label has ten features of its own, a point has one to three labels and a
 * few features of each, with some noise. Some points have no label.
 */
final class Topics {
  static final int LABELS = 40;
  private static final int FEATURES = 600;
  private static final int OWN_FEATURES = 10;

  private Topics() {}

  /** Writes a file of points. */
  static Path write(Path file, int points, long seed) throws IOException {
    Random random = new Random(seed);
    try (XmcWriter writer = XmcWriter.open(file, new XmcHeader(points, FEATURES, LABELS))) {
      for (int i = 0; i < points; i++) {
        // The square makes some labels frequent and others rare.
        long[] labels =
            LongStream.generate(() -> (long) (LABELS * Math.pow(random.nextDouble(), 2)))
                .distinct()
                .limit(i % 50 == 49 ? 0 : 1 + random.nextInt(3))
                .toArray();
        LongStream own =
            LongStream.of(labels)
                .flatMap(l -> random.longs(5, 0, OWN_FEATURES).map(f -> OWN_FEATURES * l + f));
        long[] features =
            LongStream.concat(own, random.longs(4, 0, FEATURES)).sorted().distinct().toArray();
        float[] values = new float[features.length];
        for (int k = 0; k < values.length; k++) {
          values[k] = 0.5f + random.nextFloat();
        }
        writer.write(new XmcRow(labels, features, values));
      }
    }
    return file;
  }
}
