package org.lossmith.quantization;

/**
 * How the codes of a {@link PowerReconstruction} become integers along a run.
 *
 * @param lowestBeta sharpness of the staircase at the beginning: {@code > 0}, or 0 together with
 *     highestBeta: codes are rounded all the time, and gradients passed straight through
 * @param highestBeta at the end, {@code >= lowestBeta}
 * @param highestPull share of the distance to the nearest code that latents go in an iteration at
 *     the end, in [0, 1]; it begins with 0
 * @param schedule how both grow
 */
public record Annealing(
    double lowestBeta, double highestBeta, double highestPull, Schedule schedule) {
  /** How something grows from 0 to 1. */
  public enum Schedule {
    /** In a straight line. */
    LINEAR,
    /** Slowly at both ends: (1 - cos(pi t)) / 2. */
    COSINE;

    /**
     * The value at a time.
     *
     * @param fraction of the run, in [0, 1]
     * @return in [0, 1]
     */
    public double at(double fraction) {
      return this == LINEAR ? fraction : (1 - Math.cos(Math.PI * fraction)) / 2;
    }
  }

  /**
   * Checks the components.
   *
   * @param lowestBeta sharpness of the staircase at the beginning: {@code > 0}, or 0 together with
   *     highestBeta: codes are rounded all the time, and gradients passed straight through
   * @param highestBeta at the end, {@code >= lowestBeta}
   * @param highestPull share of the distance to the nearest code that latents go in an iteration at
   *     the end, in [0, 1]; it begins with 0
   * @param schedule how both grow
   * @throws IllegalArgumentException for a component outside its range
   */
  public Annealing {
    boolean rounded = lowestBeta == 0 && highestBeta == 0;
    boolean soft = lowestBeta > 0 && highestBeta >= lowestBeta && highestBeta <= Double.MAX_VALUE;
    Expect.that(
        rounded || soft,
        "beta",
        "0 < lowestBeta <= highestBeta, or both 0",
        lowestBeta + " and " + highestBeta);
    Expect.that(
        highestPull >= 0 && highestPull <= 1, "highestPull", "a value in [0, 1]", highestPull);
    Expect.given("schedule", schedule);
  }

  /**
   * Beta from 2 to 20, and a pull to 0.06, both along a cosine.
   *
   * @return an annealing
   */
  public static Annealing soft() {
    return new Annealing(2, 20, 0.06, Schedule.COSINE);
  }

  /**
   * Rounded codes, with the same pull.
   *
   * @return an annealing
   */
  public static Annealing straightThrough() {
    return new Annealing(0, 0, 0.06, Schedule.COSINE);
  }

  double beta(double fraction) {
    return lowestBeta + (highestBeta - lowestBeta) * schedule.at(fraction);
  }

  double pull(double fraction) {
    return highestPull * schedule.at(fraction);
  }
}
