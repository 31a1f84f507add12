package org.lossmith.cli.demo;

import java.awt.BasicStroke;
import java.awt.Color;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.function.Function;
import java.util.stream.DoubleStream;
import org.knowm.xchart.XYChart;
import org.knowm.xchart.XYSeries;
import org.knowm.xchart.style.markers.Marker;
import org.knowm.xchart.style.markers.SeriesMarkers;
import org.lossmith.cli.charts.Charts;

/** P@1 against the bits of the table's numbers: one colour per grid, held-out languages dashed. */
final class QuantizedCurves {
  private static final float LINE = 2.2f;
  private static final Color UNIFORM = Charts.PALETTE.get(0);
  private static final Color POWER = Charts.PALETTE.get(1);
  private static final Color EXACT = new Color(0x808080);
  private static final BasicStroke SOLID = new BasicStroke(LINE);
  private static final BasicStroke DASHED =
      new BasicStroke(
          LINE, BasicStroke.CAP_BUTT, BasicStroke.JOIN_ROUND, 1f, new float[] {8f, 5f}, 0f);

  private QuantizedCurves() {}

  /** Draws the curves and returns the files. */
  static List<Path> draw(DemoReport.Quantized quantized, Path folder) throws IOException {
    XYChart chart =
        Charts.chart(
            "Names that find their entity at rank 1, encoder's table in few bits",
            "bits of a number",
            "P@1 in percent");
    add(chart, quantized, "held-out names", QuantizedReport::heldOut, quantized.heldOut(), SOLID);
    add(
        chart,
        quantized,
        "held-out languages",
        QuantizedReport::zeroShot,
        quantized.zeroShot(),
        DASHED);
    chart.getStyler().setXAxisMin(1.0);
    chart.getStyler().setXAxisMax(9.0);
    chart.getStyler().setMarkerSize(7);
    return Charts.save(chart, folder, "table-in-few-bits");
  }

  private static void add(
      XYChart chart,
      DemoReport.Quantized quantized,
      String what,
      Function<QuantizedReport, Scores> scores,
      Scores exact,
      BasicStroke stroke) {
    double[] bits = QuantizedTable.BITS.stream().mapToDouble(b -> b).sorted().toArray();
    double[] none = DoubleStream.of(bits).map(b -> 100 * exact.precisionAt1()).toArray();
    add(chart, "f32, " + what, bits, none, EXACT, stroke, SeriesMarkers.NONE);
    double[] uniform =
        DoubleStream.of(bits).map(b -> y(quantized.uniform((int) b), scores)).toArray();
    add(chart, "uniform, " + what, bits, uniform, UNIFORM, stroke, SeriesMarkers.CIRCLE);
    double[] power = DoubleStream.of(bits).map(b -> y(quantized.power((int) b), scores)).toArray();
    add(chart, "power, " + what, bits, power, POWER, stroke, SeriesMarkers.DIAMOND);
  }

  private static double y(QuantizedReport report, Function<QuantizedReport, Scores> scores) {
    return 100 * scores.apply(report).precisionAt1();
  }

  private static void add(
      XYChart chart,
      String name,
      double[] x,
      double[] y,
      Color colour,
      BasicStroke stroke,
      Marker marker) {
    XYSeries series = chart.addSeries(name, x, y);
    series.setLineColor(colour);
    series.setMarkerColor(colour);
    series.setLineStyle(stroke);
    series.setMarker(marker);
  }
}
