package org.lossmith.cli.demo;

import java.awt.BasicStroke;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.IntStream;
import org.knowm.xchart.XYChart;
import org.knowm.xchart.XYSeries;
import org.knowm.xchart.style.markers.SeriesMarkers;
import org.lossmith.cli.charts.Charts;

/** Recall of the entities of a name against the number of nearest entities, one colour per loss. */
final class RecallCurves {
  private static final float LINE = 2.2f;

  private RecallCurves() {}

  /** Draws the curves and returns the files. */
  static List<Path> draw(List<SeveralReport> reports, Path folder) throws IOException {
    XYChart chart =
        Charts.chart(
            "Entities found, held-out names of several entities", "k nearest", "R@k in percent");
    for (int i = 0; i < reports.size(); i++) {
      SeveralReport report = reports.get(i);
      double[] x = IntStream.rangeClosed(1, report.recall().size()).asDoubleStream().toArray();
      double[] y = report.recall().stream().mapToDouble(r -> 100 * r).toArray();
      XYSeries series = chart.addSeries(report.name(), x, y);
      series.setLineColor(Charts.PALETTE.get(i));
      series.setMarkerColor(Charts.PALETTE.get(i));
      series.setLineStyle(new BasicStroke(LINE));
      series.setMarker(SeriesMarkers.CIRCLE);
    }
    chart.getStyler().setMarkerSize(6);
    return Charts.save(chart, folder, "several-entities");
  }
}
