package org.lossmith.cli.quantize;

import java.awt.BasicStroke;
import java.awt.Color;
import java.util.Arrays;
import org.knowm.xchart.XYChart;
import org.knowm.xchart.XYSeries;
import org.knowm.xchart.XYSeries.XYSeriesRenderStyle;
import org.knowm.xchart.style.Styler.LegendLayout;
import org.knowm.xchart.style.Styler.LegendPosition;
import org.knowm.xchart.style.markers.Marker;
import org.knowm.xchart.style.markers.SeriesMarkers;
import org.lossmith.cli.charts.Charts;

/** The two charts of a weight. */
final class QuantizeCharts {
  private static final int WIDTH = 620;
  private static final int HEIGHT = 330;
  private static final float LINE = 2f;
  private static final Color GROUND = new Color(0x8FA3B3);
  private static final BasicStroke SOLID = new BasicStroke(LINE);
  private static final BasicStroke THIN = new BasicStroke(1f);
  private static final int TICK_SPACING = 90;

  private QuantizeCharts() {}

  /** How weights are distributed over their range, with the levels of both grids under it. */
  static XYChart histogram(LayerReport layer) {
    LayerPlot plot = layer.plot();
    double[] counts = plot.counts();
    double most = Arrays.stream(counts).max().orElse(1);
    // Each bin is drawn from its left to its right end.
    double[] x = new double[2 * counts.length];
    double[] y = new double[x.length];
    for (int i = 0; i < counts.length; i++) {
      x[2 * i] = 2.0 * i / counts.length - 1;
      x[2 * i + 1] = 2.0 * (i + 1) / counts.length - 1;
      y[2 * i] = 100 * counts[i];
      y[2 * i + 1] = y[2 * i];
    }
    XYChart chart = chart("weight / scale", "% of weights");
    XYSeries bars = chart.addSeries("weights", x, y);
    bars.setXYSeriesRenderStyle(XYSeriesRenderStyle.Area);
    bars.setFillColor(GROUND);
    bars.setLineColor(GROUND);
    bars.setMarker(SeriesMarkers.NONE);
    levels(chart, "levels", plot.levels(), -0.05 * 100 * most, 1, SeriesMarkers.DIAMOND);
    levels(chart, "uniform", plot.uniform(), -0.12 * 100 * most, 0, SeriesMarkers.CIRCLE);
    // Under zero there are only the levels, which have no height; a label must not be empty.
    chart.setCustomYAxisTickLabelsFormatter(
        v -> v < 0 ? " " : QuantizeText.line(v == Math.rint(v) ? "%.0f" : "%.2g", v));
    chart.getStyler().setXAxisMin(-1.05).setXAxisMax(1.05).setYAxisMin(-18 * most);
    return chart;
  }

  private static void levels(
      XYChart chart, String name, double[] levels, double height, int colour, Marker marker) {
    double[] y = new double[levels.length];
    Arrays.fill(y, height);
    XYSeries series = chart.addSeries(name, levels, y);
    series.setXYSeriesRenderStyle(XYSeriesRenderStyle.Scatter);
    series.setMarker(marker);
    series.setMarkerColor(Charts.PALETTE.get(colour));
  }

  /** The error against the exponent. */
  static XYChart errors(LayerReport layer) {
    LayerPlot plot = layer.plot();
    double[] percent = Arrays.stream(plot.errors()).map(e -> 100 * e).toArray();
    double most = Arrays.stream(percent).max().orElse(1);
    XYChart chart = chart("exponent", "squared error, % of squares");
    XYSeries curve = chart.addSeries("power grid", plot.exponents(), percent);
    curve.setLineColor(Charts.PALETTE.get(1));
    curve.setLineStyle(SOLID);
    curve.setMarker(SeriesMarkers.NONE);
    upright(chart, "chosen", layer.exponent(), most, 2);
    upright(chart, "uniform", 1, most, 0);
    chart.getStyler().setYAxisMin(0.0);
    return chart;
  }

  private static void upright(XYChart chart, String name, double x, double height, int colour) {
    XYSeries line = chart.addSeries(name, new double[] {x, x}, new double[] {0, height});
    line.setLineColor(Charts.PALETTE.get(colour));
    line.setLineStyle(SOLID);
    line.setMarker(SeriesMarkers.NONE);
  }

  private static XYChart chart(String xTitle, String yTitle) {
    XYChart chart = Charts.chart("", xTitle, yTitle, WIDTH, HEIGHT);
    chart
        .getStyler()
        .setChartTitleVisible(false)
        .setLegendPosition(LegendPosition.OutsideS)
        .setLegendLayout(LegendLayout.Horizontal);
    chart.getStyler().setMarkerSize(6);
    // Dashes and labels become outlines in SVG: few of them make a small page.
    chart.getStyler().setPlotGridLinesStroke(THIN);
    chart.getStyler().setXAxisTickMarkSpacingHint(TICK_SPACING);
    chart.getStyler().setYAxisTickMarkSpacingHint(TICK_SPACING / 2);
    return chart;
  }
}
