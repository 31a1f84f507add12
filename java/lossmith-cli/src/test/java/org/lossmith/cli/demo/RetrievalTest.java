package org.lossmith.cli.demo;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.lossmith.cli.data.Features;
import org.lossmith.cli.data.Name;
import org.lossmith.cli.encoder.BagEncoder;

class RetrievalTest {
  private static final int WIDTH = 4;
  private static final Features SLOT_0 = new Features(new int[] {0, 1}, new int[] {0}, 1);

  private final BagEncoder encoder = new BagEncoder(1, WIDTH, 5);

  @Test
  void theNearestOfSeveralRightEntitiesCounts() {
    // Entity 0 points away from the name, entity 1 along it, entity 2 is orthogonal to nothing.
    float[] name = new float[WIDTH];
    encoder.encode(SLOT_0, new int[] {0}, name);
    float[] entities = new float[3 * WIDTH];
    for (int d = 0; d < WIDTH; d++) {
      entities[d] = -name[d];
      entities[WIDTH + d] = name[d];
      entities[2 * WIDTH + d] = 0.5f * name[d];
    }
    assertEquals(new Scores(1, 1, 1), score(entities, 0, 1));
    assertEquals(new Scores(0, 1, 0.5), score(entities, 2));
    assertEquals(new Scores(0, 1, 1.0 / 3), score(entities, 0));
  }

  @Test
  void tiesCountAgainstTheName() {
    assertEquals(new Scores(0, 1, 0.2), score(new float[5 * WIDTH], 3));
  }

  @Test
  void notANumberRanksLast() {
    float[] entities = new float[8 * WIDTH];
    Arrays.fill(entities, Float.NaN);
    assertEquals(new Scores(0, 0, 0.125), score(entities, 3));
  }

  private Scores score(float[] entities, Integer... right) {
    Name name = new Name("x", List.of(right), List.of(0));
    return new Retrieval(entities, WIDTH).score(encoder, SLOT_0, List.of(name));
  }
}
