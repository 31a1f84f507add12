package org.lossmith.bench.quantization;

import java.util.Arrays;
import java.util.Map;
import java.util.stream.IntStream;
import org.lossmith.Groups;
import org.lossmith.PowerSearch;
import org.lossmith.bench.Row;
import org.lossmith.bench.Session;
import org.lossmith.bench.measure.Contest;
import org.lossmith.bench.measure.Contestant;
import org.lossmith.bench.measure.CopyFloor;
import org.lossmith.bench.measure.Samples;
import org.lossmith.bench.report.Verdict;

/**
 * The errors of a grid of exponents, against one read of the weights and against a loop of PyTorch
 * operators over the exponents. Both give the same errors before anything is timed.
 */
public final class SearchRow implements Row {
  private static final String NAME = "power-search";
  private static final String OURS = "lossmith";
  private static final String TORCH = "pytorch";
  private static final long SIDE = 4096;
  private static final long SIDE_QUICK = 512;
  private static final int ROUNDS = 3;
  private static final int BITS = 4;
  private static final double TIMES_PYTORCH = 20;

  /** |a - b| / b of errors: PyTorch sums them in f32. */
  private static final double DISTANCE = 1e-3;

  private static final double[] EXPONENTS =
      IntStream.range(0, 64).mapToDouble(i -> 0.1 + 1.1 * i / 63).toArray();

  @Override
  public String name() {
    return NAME;
  }

  @Override
  public String title() {
    return "errors of " + EXPONENTS.length + " exponents for " + SIDE + "x" + SIDE + " f32, 4 bits";
  }

  @Override
  public int seconds(boolean quick) {
    return quick ? 20 : 300;
  }

  @Override
  public void run(Session session) {
    session.progress().expect(2 * (1 + 3 * (1 + ROUNDS)));
    run(session, "one exponent for all", Groups.perTensor(), true);
    run(session, "an exponent for each row", Groups.perChannel(0), false);
  }

  private static void run(Session session, String what, Groups groups, boolean judged) {
    long side = session.quick() ? SIDE_QUICK : SIDE;
    session.progress().step(what);
    try (LossmithPower ours =
            new LossmithPower(BITS, groups, side, side, session.seed(), session.threads());
        TorchPower torch = new TorchPower(ours, session.threads())) {
      PowerSearch search = PowerSearch.of(ours.quantizer());
      check(errors(search, ours), torch.errors(EXPONENTS));
      Contest contest = new Contest();
      contest.add(Contestant.timed(OURS, () -> errors(search, ours)));
      contest.add(Contestant.timed(TORCH, () -> torch.errors(EXPONENTS)));
      CopyFloor floor = new CopyFloor(ours.context());
      contest.add(floor);
      Map<String, Samples> times = contest.run(1, ROUNDS, session.progress()::step);
      session.add(Verdict.info(NAME, "milliseconds, " + what, scaled(times.get(OURS), 1e3)));
      Samples ofRead =
          scaled(
              times.get(floor.name()).over(times.get(OURS)), 4.0 * side * side / CopyFloor.BYTES);
      session.add(Verdict.info(NAME, "of one read at copy bandwidth, " + what, ofRead));
      Samples ofTorch = times.get(TORCH).over(times.get(OURS));
      String name = "times as fast as PyTorch, " + what;
      session.add(
          judged
              ? Verdict.atLeast(NAME, name, ofTorch, TIMES_PYTORCH)
              : Verdict.info(NAME, name, ofTorch));
    }
  }

  /** Summed over the groups. */
  private static double[] errors(PowerSearch search, LossmithPower ours) {
    double[] ofGroups = search.errors(ours.context(), ours.weights(), ours.scale(), EXPONENTS);
    double[] sums = new double[EXPONENTS.length];
    for (int i = 0; i < ofGroups.length; i++) {
      sums[i % sums.length] += ofGroups[i];
    }
    return sums;
  }

  private static Samples scaled(Samples samples, double factor) {
    return new Samples(Arrays.stream(samples.seconds()).map(s -> s * factor).toArray());
  }

  private static void check(double[] ours, double[] theirs) {
    for (int i = 0; i < ours.length; i++) {
      double distance = Math.abs(ours[i] - theirs[i]) / theirs[i];
      // A NaN is a disagreement.
      if (!(distance <= DISTANCE)) {
        throw new IllegalStateException(
            "exponent "
                + EXPONENTS[i]
                + ": expected an error within "
                + DISTANCE
                + " of PyTorch's "
                + theirs[i]
                + ", got "
                + ours[i]);
      }
    }
  }
}
