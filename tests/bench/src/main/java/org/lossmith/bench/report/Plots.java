package org.lossmith.bench.report;

import java.awt.Color;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.function.ToDoubleFunction;
import org.knowm.xchart.BitmapEncoder;
import org.knowm.xchart.VectorGraphicsEncoder;
import org.knowm.xchart.XYChart;
import org.knowm.xchart.XYChartBuilder;
import org.knowm.xchart.style.Styler.LegendPosition;
import org.lossmith.bench.contrastive.ParetoRow;
import org.lossmith.bench.contrastive.ScalingRow;
import org.lossmith.bench.labels.LabelScalingRow;
import org.lossmith.bench.measure.LinearFit;

/** The plots of a run, each as PNG and SVG: time and memory against N, time against memory. */
final class Plots {
  private static final double MEBIBYTE = 1 << 20;
  private static final int PIXELS_PER_TICK = 60;

  private Plots() {}

  static void write(Report report, Path folder) throws IOException {
    List<Measurement> scaling = report.measurements(ScalingRow.NAME);
    if (!scaling.isEmpty()) {
      String what = "InfoNCE with both gradients, f32, D=" + scaling.get(0).d();
      XYChart time = chart("Time: " + what, "N", "seconds", LegendPosition.InsideNW);
      byProvider(time, scaling, Measurement::n, m -> m.time().median());
      save(time, folder.resolve("time-by-n"));
      XYChart memory = chart("Extra memory: " + what, "N", "MiB", LegendPosition.InsideNW);
      byProvider(memory, scaling, Measurement::n, Plots::mebibytes);
      save(memory, folder.resolve("memory-by-n"));
    }
    labels(report, folder);
    List<Measurement> pareto = report.measurements(ParetoRow.NAME);
    if (!pareto.isEmpty()) {
      Measurement first = pareto.get(0);
      String what = "Time against memory over the budget, N=" + first.n() + " D=" + first.d();
      XYChart chart = chart(what, "extra memory, MiB", "seconds", LegendPosition.InsideNW);
      byProvider(chart, pareto, Plots::mebibytes, m -> m.time().median());
      save(chart, folder.resolve("time-by-memory"));
    }
  }

  /** Cost against the number of labels, on linear axes: a straight line shows as one. */
  private static void labels(Report report, Path folder) throws IOException {
    List<Measurement> lines = report.measurements(LabelScalingRow.NAME);
    if (lines.isEmpty()) {
      return;
    }
    String what = "softmax CE with both gradients, f32, D=" + lines.get(0).d();
    XYChart time = plain("Time: " + what, "labels", "seconds", LegendPosition.InsideNW);
    XYChart memory = plain("Extra memory: " + what, "labels", "MiB", LegendPosition.InsideSE);
    for (String provider : lines.stream().map(Measurement::provider).distinct().toList()) {
      List<Measurement> own = lines.stream().filter(m -> m.provider().equals(provider)).toList();
      double[] x = own.stream().mapToDouble(Measurement::n).toArray();
      time.addSeries(provider, x, own.stream().mapToDouble(m -> m.time().median()).toArray());
      memory.addSeries(provider, x, own.stream().mapToDouble(Plots::mebibytes).toArray());
    }
    List<Measurement> ours = lines.stream().filter(m -> m.provider().equals("lossmith")).toList();
    LinearFit fit = LabelScalingRow.fit(ours);
    double[] ends = {0, ours.stream().mapToDouble(Measurement::n).max().orElseThrow()};
    String name =
        String.format(Locale.ROOT, "straight line, within %.0f %%", 100 * fit.deviation());
    time.addSeries(name, ends, Arrays.stream(ends).map(fit::at).toArray());
    save(time, folder.resolve("labels-time-by-l"));
    save(memory, folder.resolve("labels-memory-by-l"));
  }

  private static double mebibytes(Measurement measurement) {
    // A logarithmic axis has no zero: a page is the least that the kernel counts.
    return Math.max(measurement.extraBytes(), 4096) / MEBIBYTE;
  }

  /**
   * A chart with linear axes that carry base-2 logarithms and are labelled with the values: N and
   * budgets are powers of two, which XChart's own logarithmic axes (powers of ten) do not label.
   */
  private static XYChart chart(String title, String x, String y, LegendPosition legend) {
    XYChart chart = plain(title, x, y, legend);
    chart.setCustomXAxisTickLabelsFormatter(Plots::label);
    chart.setCustomYAxisTickLabelsFormatter(Plots::label);
    chart
        .getStyler()
        .setXAxisTickMarkSpacingHint(PIXELS_PER_TICK)
        .setYAxisTickMarkSpacingHint(PIXELS_PER_TICK);
    return chart;
  }

  private static XYChart plain(String title, String x, String y, LegendPosition legend) {
    XYChart chart =
        new XYChartBuilder()
            .width(900)
            .height(600)
            .title(title)
            .xAxisTitle(x)
            .yAxisTitle(y)
            .build();
    chart.getStyler().setLegendPosition(legend).setMarkerSize(9);
    chart.getStyler().setChartBackgroundColor(Color.WHITE);
    return chart;
  }

  private static String label(double logarithm) {
    double value = Math.pow(2, logarithm);
    return value >= 1000 ? Long.toString(Math.round(value)) : Format.number(value);
  }

  private static void byProvider(
      XYChart chart,
      List<Measurement> lines,
      ToDoubleFunction<Measurement> x,
      ToDoubleFunction<Measurement> y) {
    for (String provider : lines.stream().map(Measurement::provider).distinct().toList()) {
      List<Measurement> own = lines.stream().filter(m -> m.provider().equals(provider)).toList();
      chart.addSeries(provider, logarithms(own, x), logarithms(own, y));
    }
    double[] xs = logarithms(lines, x);
    double[] ys = logarithms(lines, y);
    chart.getStyler().setXAxisMin(low(xs)).setXAxisMax(high(xs));
    chart.getStyler().setYAxisMin(low(ys)).setYAxisMax(high(ys));
  }

  private static double[] logarithms(List<Measurement> lines, ToDoubleFunction<Measurement> value) {
    return lines.stream().mapToDouble(value).map(v -> Math.log(v) / Math.log(2)).toArray();
  }

  private static double low(double[] values) {
    return Math.floor(Arrays.stream(values).min().orElseThrow());
  }

  private static double high(double[] values) {
    return Math.ceil(Arrays.stream(values).max().orElseThrow());
  }

  private static void save(XYChart chart, Path file) throws IOException {
    BitmapEncoder.saveBitmap(chart, file.toString(), BitmapEncoder.BitmapFormat.PNG);
    VectorGraphicsEncoder.saveVectorGraphic(
        chart, file.toString(), VectorGraphicsEncoder.VectorGraphicsFormat.SVG);
  }
}
