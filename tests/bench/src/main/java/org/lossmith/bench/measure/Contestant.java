package org.lossmith.bench.measure;

/** Something that a {@link Contest} times: one round is one complete piece of work. */
public interface Contestant {
  /** Unique within its contest. */
  String name();

  /** Does the work once and says how long it took, in seconds. */
  double round();

  /** A contestant that is timed from outside with the wall clock. */
  static Contestant timed(String name, Runnable work) {
    return new Contestant() {
      @Override
      public String name() {
        return name;
      }

      @Override
      public double round() {
        long start = System.nanoTime();
        work.run();
        return (System.nanoTime() - start) * 1e-9;
      }
    };
  }
}
