package org.lossmith.cli.demo;

import java.awt.BasicStroke;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.function.Function;
import org.knowm.xchart.XYChart;
import org.knowm.xchart.XYSeries;
import org.knowm.xchart.style.markers.Marker;
import org.knowm.xchart.style.markers.SeriesMarkers;
import org.lossmith.cli.charts.Charts;

/** P@1 against the steps: one colour per loss, held-out names solid, held-out languages dashed. */
final class LearningCurves {
  private static final float LINE = 2.2f;
  private static final BasicStroke SOLID = new BasicStroke(LINE);
  private static final BasicStroke DASHED =
      new BasicStroke(
          LINE, BasicStroke.CAP_BUTT, BasicStroke.JOIN_ROUND, 1f, new float[] {8f, 5f}, 0f);

  private LearningCurves() {}

  /** Draws the curves and returns the files. */
  static List<Path> draw(List<TrainingRun> runs, Path folder) throws IOException {
    XYChart chart =
        Charts.chart("Names that find their entity at rank 1", "step", "P@1 in percent");
    for (int i = 0; i < runs.size(); i++) {
      TrainingRun run = runs.get(i);
      add(chart, run, i, "held-out names", Checkpoint::heldOut, SOLID, SeriesMarkers.CIRCLE);
      add(chart, run, i, "held-out languages", Checkpoint::zeroShot, DASHED, SeriesMarkers.DIAMOND);
    }
    chart.getStyler().setXAxisLogarithmic(true);
    chart.getStyler().setYAxisMin(0.0);
    chart.getStyler().setMarkerSize(7);
    return Charts.save(chart, folder, "learning-curves");
  }

  private static void add(
      XYChart chart,
      TrainingRun run,
      int colour,
      String what,
      Function<Checkpoint, Scores> scores,
      BasicStroke stroke,
      Marker marker) {
    // The axis is logarithmic: it cannot show the state before the training, which is chance.
    List<Checkpoint> shown = run.checkpoints().stream().filter(c -> c.step() > 0).toList();
    double[] x = shown.stream().mapToDouble(Checkpoint::step).toArray();
    double[] y = shown.stream().mapToDouble(c -> 100 * scores.apply(c).precisionAt1()).toArray();
    XYSeries series = chart.addSeries(run.name() + ", " + what, x, y);
    series.setLineColor(Charts.PALETTE.get(colour));
    series.setMarkerColor(Charts.PALETTE.get(colour));
    series.setLineStyle(stroke);
    series.setMarker(marker);
  }
}
