package org.lossmith.bench.measure;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** Statistics, interleaving and the reading of resident memory. */
class MeasureTest {
  @Test
  void quartilesAreInterpolated() {
    Samples samples = new Samples(4, 1, 3, 2);
    assertEquals(2.5, samples.median());
    assertEquals(1.75, samples.q1());
    assertEquals(3.25, samples.q3());
    assertEquals(1, samples.min());
    assertEquals(7, new Samples(7).median());
  }

  @Test
  void ratiosAreTakenRoundByRound() {
    Samples ratio = new Samples(2, 9, 4).over(new Samples(1, 3, 8));
    assertArrayEquals(new double[] {2, 3, 0.5}, ratio.seconds());
    assertThrows(IllegalArgumentException.class, () -> new Samples(1, 2).over(new Samples(1)));
    assertThrows(IllegalArgumentException.class, Samples::new);
  }

  @Test
  void lineGoesThroughPointsOnALine() {
    LinearFit line = LinearFit.of(new double[] {1, 2, 5}, new double[] {3, 5, 11});
    assertEquals(1, line.intercept(), 1e-12);
    assertEquals(2, line.slope(), 1e-12);
    assertEquals(0, line.deviation(), 1e-12);
    assertEquals(21, line.at(10), 1e-12);
    // A point ten percent too high takes the line along, but not all the way.
    LinearFit bent = LinearFit.of(new double[] {1, 2, 3}, new double[] {1, 2, 3.3});
    assertTrue(bent.deviation() > 0.01 && bent.deviation() < 0.1, bent::toString);
    assertThrows(
        IllegalArgumentException.class, () -> LinearFit.of(new double[] {1}, new double[] {1}));
  }

  @Test
  void growthIsWhatTheWorkTouches() {
    ByteBuffer[] kept = new ByteBuffer[1];
    int bytes = 64 << 20;
    long growth = ProcessMemory.growth(() -> kept[0] = ByteBuffer.allocateDirect(bytes));
    assertEquals(bytes, kept[0].capacity());
    // Java clears direct memory, which makes it resident; other threads may add some.
    assertTrue(growth >= bytes / 2 && growth < 4L * bytes, "growth: " + growth);
  }

  @Test
  void contestInterleavesAndDropsTheWarmUp() {
    List<String> order = new ArrayList<>();
    Contest contest = new Contest();
    contest.add(numbered("a", order));
    contest.add(numbered("b", order));
    Map<String, Samples> samples = contest.run(1, 2, name -> {});
    assertEquals(List.of("a", "b", "a", "b", "a", "b"), order);
    assertArrayEquals(new double[] {3, 5}, samples.get("a").seconds());
    assertArrayEquals(new double[] {4, 6}, samples.get("b").seconds());
  }

  /** A contestant whose time is the number of the run, over all contestants. */
  private static Contestant numbered(String name, List<String> order) {
    return new Contestant() {
      @Override
      public String name() {
        return name;
      }

      @Override
      public double round() {
        order.add(name);
        return order.size();
      }
    };
  }

  @Test
  void peakFollowsResidentMemory() {
    assertTrue(ProcessMemory.resident() > 0);
    assertTrue(ProcessMemory.peak() >= ProcessMemory.resident() / 2);
    assertTrue(ProcessMemory.available() > 0);
  }
}
