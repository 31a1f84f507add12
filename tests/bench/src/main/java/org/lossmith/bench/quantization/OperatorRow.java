package org.lossmith.bench.quantization;

import java.util.Arrays;
import java.util.Map;
import org.lossmith.Groups;
import org.lossmith.bench.Row;
import org.lossmith.bench.Session;
import org.lossmith.bench.measure.Contest;
import org.lossmith.bench.measure.Contestant;
import org.lossmith.bench.measure.CopyFloor;
import org.lossmith.bench.measure.Samples;
import org.lossmith.bench.report.Verdict;

/**
 * Power quantization of a matrix, against the copy of as many bytes and against the composition of
 * PyTorch operators. Both give the same values before anything is timed.
 */
public final class OperatorRow implements Row {
  private static final String NAME = "power-operator";
  private static final String OURS = "lossmith";
  private static final String TORCH = "pytorch";
  private static final long SIDE = 4096;
  private static final long SIDE_QUICK = 512;
  private static final int ROUNDS = 11;
  private static final int ROUNDS_QUICK = 3;
  private static final int[] BITS = {4, 8};

  /**
   * |a - b| / |b| of values and gradients. A code at a half may be another one: with 8 bits that is
   * a step of 1/127 in one of some ten thousand elements.
   */
  private static final double DISTANCE = 1e-3;

  @Override
  public String name() {
    return NAME;
  }

  @Override
  public String title() {
    return "codes, values and gradients of " + SIDE + "x" + SIDE + " f32, 4 and 8 bits";
  }

  @Override
  public int seconds(boolean quick) {
    return quick ? 40 : 300;
  }

  @Override
  public void run(Session session) {
    int tasks = OperatorTask.values().length;
    session.progress().expect(2 * BITS.length * tasks * (1 + 3 * (1 + rounds(session))));
    for (int bits : BITS) {
      run(session, bits, Groups.perTensor(), true);
      run(session, bits, Groups.perChannel(0), false);
    }
  }

  private static int rounds(Session session) {
    return session.quick() ? ROUNDS_QUICK : ROUNDS;
  }

  /** Targets are for the tensor with one scale; scales of channels are for information. */
  private static void run(Session session, int bits, Groups groups, boolean judged) {
    long side = session.quick() ? SIDE_QUICK : SIDE;
    String size = bits + " bits" + (judged ? "" : ", scales of channels");
    try (LossmithPower ours =
            new LossmithPower(bits, groups, side, side, session.seed(), session.threads());
        TorchPower torch = new TorchPower(ours, session.threads())) {
      for (OperatorTask task : OperatorTask.values()) {
        String what = task.title() + ", " + size;
        session.progress().step(what);
        check(task, ours, torch);
        Contest contest = new Contest();
        contest.add(Contestant.timed(OURS, () -> ours.run(task)));
        contest.add(Contestant.timed(TORCH, () -> torch.run(task)));
        CopyFloor floor = new CopyFloor(ours.context());
        contest.add(floor);
        Map<String, Samples> times = contest.run(1, rounds(session), session.progress()::step);
        session.add(Verdict.info(NAME, "milliseconds, " + what, scaled(times.get(OURS), 1e3)));
        Samples ofCopy =
            scaled(
                times.get(floor.name()).over(times.get(OURS)),
                task.bytes(side * side, bits) / CopyFloor.BYTES);
        // Tables of 256 entries are gathered, not permuted: packing and unpacking 8 bits has no
        // target.
        boolean ofTable = bits > 4 && task != OperatorTask.FORWARD;
        session.add(
            verdict("of copy bandwidth, " + what, ofCopy, judged && !ofTable ? task.ofCopy() : 0));
        Samples ofTorch = times.get(TORCH).over(times.get(OURS));
        session.add(
            verdict("times as fast as PyTorch, " + what, ofTorch, judged ? task.ofTorch() : 0));
      }
    }
  }

  private static Verdict verdict(String name, Samples ratio, double limit) {
    return limit > 0 ? Verdict.atLeast(NAME, name, ratio, limit) : Verdict.info(NAME, name, ratio);
  }

  private static Samples scaled(Samples samples, double factor) {
    return new Samples(Arrays.stream(samples.seconds()).map(s -> s * factor).toArray());
  }

  private static void check(OperatorTask task, LossmithPower ours, TorchPower torch) {
    ours.run(task);
    torch.run(task);
    if (task == OperatorTask.ENCODE) {
      // Codes are checked by what they are decoded to.
      ours.run(OperatorTask.DECODE);
      torch.run(OperatorTask.DECODE);
    }
    expectNear(task, "values", ours.values().toFloatArray(), torch.values());
    if (task == OperatorTask.BACKWARD) {
      expectNear(task, "gradient of w", ours.gradW().toFloatArray(), torch.gradient(0));
    }
  }

  private static void expectNear(OperatorTask task, String what, float[] ours, float[] theirs) {
    double difference = 0;
    double norm = 0;
    for (int i = 0; i < ours.length; i++) {
      difference += Math.pow((double) ours[i] - theirs[i], 2);
      norm += Math.pow(theirs[i], 2);
    }
    double distance = Math.sqrt(difference / norm);
    // A NaN is a disagreement.
    if (!(distance <= DISTANCE)) {
      throw new IllegalStateException(
          task.title()
              + ": expected "
              + what
              + " within "
              + DISTANCE
              + " of PyTorch's, got "
              + distance);
    }
  }
}
