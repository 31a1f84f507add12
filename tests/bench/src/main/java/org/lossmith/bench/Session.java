package org.lossmith.bench;

import org.lossmith.bench.provider.Agreement;
import org.lossmith.bench.report.Measurement;
import org.lossmith.bench.report.Report;
import org.lossmith.bench.report.Verdict;

/** What rows share: the options of the run, the progress bar, and the report that they fill. */
public final class Session {
  private final boolean quick;
  private final int threads;
  private final long seed;
  private final Progress progress;
  private final Report report = new Report();

  Session(boolean quick, int threads, long seed, Progress progress) {
    this.quick = quick;
    this.threads = threads;
    this.seed = seed;
    this.progress = progress;
  }

  /** Whether a run of seconds is wanted that only shows that everything works. */
  public boolean quick() {
    return quick;
  }

  /** Threads of every provider. */
  public int threads() {
    return threads;
  }

  /** Seed of the data. */
  public long seed() {
    return seed;
  }

  /** The bar that the row moves. */
  public Progress progress() {
    return progress;
  }

  /** Where results go. */
  public Report report() {
    return report;
  }

  /**
   * Records a figure. Targets are stated for the sizes of a full run, so a quick one shows the
   * figure without judging it.
   */
  public void add(Verdict verdict) {
    report.getVerdicts().add(quick ? verdict.withoutTarget() : verdict);
  }

  /** Records a measurement. */
  public void add(Measurement measurement) {
    report.getMeasurements().add(measurement);
  }

  /**
   * Records a numerical check.
   *
   * @throws DisagreementException if it failed: the time of a wrong result means nothing
   */
  public void check(Agreement agreement) {
    report.getAgreement().add(agreement);
    if (!agreement.agrees()) {
      throw new DisagreementException(agreement);
    }
  }
}
