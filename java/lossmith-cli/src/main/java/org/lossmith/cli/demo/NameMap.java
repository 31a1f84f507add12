package org.lossmith.cli.demo;

import java.awt.Color;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.knowm.xchart.XYChart;
import org.knowm.xchart.XYSeries;
import org.knowm.xchart.XYSeries.XYSeriesRenderStyle;
import org.knowm.xchart.style.markers.Marker;
import org.knowm.xchart.style.markers.SeriesMarkers;
import org.lossmith.cli.charts.Charts;
import org.lossmith.cli.data.Entity;
import org.lossmith.cli.data.Features;
import org.lossmith.cli.data.Kind;
import org.lossmith.cli.data.Name;

/**
 * A map of names that the encoder was not trained on, in the plane in which they spread most: two
 * entities of each kind, one colour each, a dot for each of their names in any language, and a
 * diamond where the fixed embedding has the English name.
 */
final class NameMap {
  private static final int ENTITIES_PER_KIND = 2;
  private static final int OPAQUE = 255;
  private static final int DOT = 120;

  private final DemoData data;
  private final List<Name> names;
  private final List<Integer> entities;

  /** Chooses what to show: the entities with the most names that no training saw. */
  NameMap(DemoData data) {
    this.data = data;
    names =
        Stream.concat(data.split().heldOut().stream(), data.split().zeroShot().stream())
            .filter(n -> n.entities().size() == 1)
            .toList();
    int[] counts = new int[data.names().entities().size()];
    names.forEach(n -> counts[n.entities().get(0)]++);
    entities = new ArrayList<>();
    for (Kind kind : Kind.values()) {
      IntStream.range(0, counts.length)
          .filter(e -> data.names().entities().get(e).kind() == kind)
          .boxed()
          .sorted(Comparator.comparing((Integer e) -> -counts[e]))
          .limit(ENTITIES_PER_KIND)
          .forEach(entities::add);
    }
  }

  /** Draws the map of a run and returns the files. */
  List<Path> draw(TrainingRun run, Path folder) throws IOException {
    List<Name> shown = names.stream().filter(n -> entities.contains(n.entities().get(0))).toList();
    int width = run.encoder().width();
    Features features =
        Features.of(shown.stream().map(Name::text).toList(), data.training().buckets());
    float[] points = new float[shown.size() * width];
    run.encoder().encode(features, IntStream.range(0, shown.size()).toArray(), points);
    normalise(points, width);
    PrincipalAxes axes = PrincipalAxes.of(points, width);
    XYChart chart =
        Charts.chart(
            String.format("Names never trained on, %s; diamonds: the English names", run.name()),
            String.format(
                Locale.ROOT,
                "first principal component (both show %.0f%% of the variance)",
                100 * axes.explained()),
            "second principal component");
    chart.getStyler().setDefaultSeriesRenderStyle(XYSeriesRenderStyle.Scatter);
    for (int i = 0; i < entities.size(); i++) {
      int entity = entities.get(i);
      int[] rows =
          IntStream.range(0, shown.size())
              .filter(r -> shown.get(r).entities().get(0) == entity)
              .toArray();
      Color colour = Charts.PALETTE.get(i % Charts.PALETTE.size());
      Entity named = data.names().entities().get(entity);
      String title = named.english() + " (" + rows.length + ")";
      add(chart, title, axes, points, rows, colour, DOT, SeriesMarkers.CIRCLE);
    }
    // After all dots, so that none covers them.
    for (int i = 0; i < entities.size(); i++) {
      Color colour = Charts.PALETTE.get(i % Charts.PALETTE.size());
      int[] row = {entities.get(i)};
      XYSeries series =
          add(
              chart,
              "English " + i,
              axes,
              data.english(),
              row,
              colour.darker(),
              OPAQUE,
              SeriesMarkers.DIAMOND);
      series.setShowInLegend(false);
    }
    chart.getStyler().setMarkerSize(7);
    return Charts.save(chart, folder, "map-" + run.name().toLowerCase(Locale.ROOT));
  }

  private static XYSeries add(
      XYChart chart,
      String title,
      PrincipalAxes axes,
      float[] points,
      int[] rows,
      Color colour,
      int alpha,
      Marker marker) {
    double[] x = IntStream.of(rows).mapToDouble(r -> axes.coordinate(points, r, 0)).toArray();
    double[] y = IntStream.of(rows).mapToDouble(r -> axes.coordinate(points, r, 1)).toArray();
    XYSeries series = chart.addSeries(title, x, y);
    series.setMarker(marker);
    series.setMarkerColor(new Color(colour.getRed(), colour.getGreen(), colour.getBlue(), alpha));
    return series;
  }

  private static void normalise(float[] points, int width) {
    for (int start = 0; start < points.length; start += width) {
      double square = 0;
      for (int d = 0; d < width; d++) {
        square += points[start + d] * points[start + d];
      }
      float scale = (float) (1 / Math.max(1e-12, Math.sqrt(square)));
      for (int d = 0; d < width; d++) {
        points[start + d] *= scale;
      }
    }
  }
}
