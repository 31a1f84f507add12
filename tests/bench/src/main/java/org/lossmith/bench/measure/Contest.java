package org.lossmith.bench.measure;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;

/**
 * Times contestants against each other: round after round, each contestant once per round, so that
 * all of them see the same clock speed, the same neighbours and the same state of the memory
 * system. Warm-up rounds come first and are not counted.
 */
public final class Contest {
  /**
   * Pause before each contestant. Workers of the one before spin for a while after their last task,
   * and would take a core from the next: those of OpenBLAS, under PyTorch, for 2^26 clock ticks,
   * which is 26 ms at 2.6 GHz. Timing starts when they sleep.
   */
  private static final long SETTLE_MILLIS = 60;

  private final List<Contestant> contestants = new ArrayList<>();

  /** Adds a contestant; the order of adding is the order within a round. */
  public void add(Contestant contestant) {
    contestants.add(contestant);
  }

  /** Number of contestants so far. */
  public int size() {
    return contestants.size();
  }

  /**
   * Runs warm-up and counted rounds. Before each single run {@code progress} gets the contestant's
   * name.
   */
  public Map<String, Samples> run(int warmup, int rounds, Consumer<String> progress) {
    double[][] seconds = new double[contestants.size()][rounds];
    for (int round = -warmup; round < rounds; round++) {
      for (int i = 0; i < contestants.size(); i++) {
        Contestant contestant = contestants.get(i);
        progress.accept(contestant.name());
        settle();
        double elapsed = contestant.round();
        if (round >= 0) {
          seconds[i][round] = elapsed;
        }
      }
    }
    Map<String, Samples> samples = new LinkedHashMap<>();
    for (int i = 0; i < contestants.size(); i++) {
      samples.put(contestants.get(i).name(), new Samples(seconds[i]));
    }
    return samples;
  }

  private static void settle() {
    try {
      Thread.sleep(SETTLE_MILLIS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException("benchmark interrupted", e);
    }
  }
}
