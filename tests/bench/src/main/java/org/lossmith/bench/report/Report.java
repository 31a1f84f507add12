package org.lossmith.bench.report;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.lossmith.bench.provider.Agreement;

/** Everything that a run found out. Its public getters are the JSON file. */
public final class Report {
  private final Map<String, Object> run = new LinkedHashMap<>();
  private final Map<String, Object> machine = new LinkedHashMap<>();
  private final Map<String, Object> versions = new LinkedHashMap<>();
  private final List<Agreement> agreement = new ArrayList<>();
  private final List<Measurement> measurements = new ArrayList<>();
  private final List<Verdict> verdicts = new ArrayList<>();
  private final Map<String, Object> details = new TreeMap<>();

  /** How the run was started and how long it took. */
  public Map<String, Object> getRun() {
    return run;
  }

  /** The machine, without anything that names it. */
  public Map<String, Object> getMachine() {
    return machine;
  }

  /** Versions of what was measured. */
  public Map<String, Object> getVersions() {
    return versions;
  }

  /** Numerical checks made before anything was timed. */
  public List<Agreement> getAgreement() {
    return agreement;
  }

  /** What was measured. */
  public List<Measurement> getMeasurements() {
    return measurements;
  }

  /** Ratios and their targets. */
  public List<Verdict> getVerdicts() {
    return verdicts;
  }

  /** Further data of single rows, such as the full output of JMH. */
  public Map<String, Object> getDetails() {
    return details;
  }

  /** The measurements of one row. */
  public List<Measurement> measurements(String row) {
    return measurements.stream().filter(m -> m.row().equals(row)).toList();
  }
}
