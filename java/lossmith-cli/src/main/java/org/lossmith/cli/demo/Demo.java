package org.lossmith.cli.demo;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.lossmith.ContrastiveLoss;
import org.lossmith.Cwcl;
import org.lossmith.InfoNce;
import org.lossmith.cli.Progress;

/** The demo from the names to the report. */
final class Demo {
  /** Name of the report's file. */
  static final String REPORT = "report.json";

  private static final double NANOS = 1e-9;
  private static final double MILLIS_PER_SECOND = 1000;

  private final DemoSettings settings;
  private final Path out;

  /**
   * Creates a demo.
   *
   * @param out folder for the plots, made where it is missing
   */
  Demo(DemoSettings settings, Path out) {
    this.settings = settings;
    this.out = out;
  }

  /** Runs the demo. */
  DemoReport run(boolean quiet) throws IOException {
    long start = System.nanoTime();
    Map<String, ContrastiveLoss> losses = losses();
    Files.createDirectories(out); // Now that the hyperparameters are known to be right.
    try (Progress progress = Progress.start("demo", quiet)) {
      progress.stage("reading the names of the JDK");
      DemoData data = DemoData.load(settings);
      Training training = new Training(data, settings);
      SeveralEntities several = new SeveralEntities(data, settings);
      progress.expect(
          (long) losses.size() * settings.epochs() * training.steps()
              + several.steps()
              + QuantizedTable.steps());
      List<TrainingRun> runs = new ArrayList<>();
      for (Map.Entry<String, ContrastiveLoss> loss : losses.entrySet()) {
        progress.stage("training with " + loss.getKey());
        runs.add(training.run(loss.getKey(), loss.getValue(), progress));
      }
      List<SeveralReport> ofSeveral = several.run(progress);
      progress.stage("quantizing");
      DemoReport.Quantized quantized =
          DemoReport.Quantized.of(
              runs.get(0), new QuantizedTable(data, settings).run(runs.get(0).encoder(), progress));
      progress.stage("drawing");
      List<Path> files = new ArrayList<>(LearningCurves.draw(runs, out));
      NameMap map = new NameMap(data);
      for (TrainingRun run : runs) {
        files.addAll(map.draw(run, out));
      }
      files.addAll(RecallCurves.draw(ofSeveral, out));
      files.addAll(QuantizedCurves.draw(quantized, out));
      files.add(out.resolve(REPORT));
      return new DemoReport(
          DemoReport.Data.of(data),
          settings,
          training.batch(),
          training.steps(),
          runs.stream().map(r -> loss(r, training.steps())).toList(),
          new DemoReport.Several(
              several.trained(), several.heldOut(), several.meanEntities(), ofSeveral),
          quantized,
          DemoReport.Memory.of(runs, training.batch()),
          NANOS * (System.nanoTime() - start),
          System.getProperty("java.version"),
          files.stream().map(Path::toString).toList());
    }
  }

  /** Both losses with the same temperature, and the mean of both directions. */
  private Map<String, ContrastiveLoss> losses() {
    double temperature = settings.temperature();
    Map<String, ContrastiveLoss> losses = new LinkedHashMap<>();
    losses.put("InfoNCE", InfoNce.symmetric(temperature).withNormalize(true));
    losses.put(
        "CWCL",
        Cwcl.of(temperature)
            .withRowCoefficient(0.5)
            .withColumnCoefficient(0.5)
            .withNormalize(true));
    return losses;
  }

  private static DemoReport.Loss loss(TrainingRun run, int steps) {
    return new DemoReport.Loss(
        run.name(),
        run.last().heldOut(),
        run.last().zeroShot(),
        run.secondsPerEpoch(),
        MILLIS_PER_SECOND * run.lossSecondsPerEpoch() / steps,
        run.plan().name().toLowerCase(Locale.ROOT),
        run.workspaceBytes(),
        run.epochs(),
        run.checkpoints());
  }
}
