package org.lossmith.cli.charts;

import java.awt.Color;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import org.knowm.xchart.BitmapEncoder;
import org.knowm.xchart.VectorGraphicsEncoder;
import org.knowm.xchart.XYChart;
import org.knowm.xchart.XYChartBuilder;
import org.knowm.xchart.style.Styler.ChartTheme;
import org.knowm.xchart.style.Styler.LegendPosition;

/** The look of all charts, and their files. */
public final class Charts {
  /** Colours that stay apart for most kinds of colour vision (after Okabe and Ito). */
  public static final List<Color> PALETTE =
      List.of(
          new Color(0x0072B2),
          new Color(0xD55E00),
          new Color(0x009E73),
          new Color(0xCC79A7),
          new Color(0xE69F00),
          new Color(0x56B4E9),
          new Color(0x8C6D31),
          new Color(0x5B3C88));

  private static final int WIDTH = 960;
  private static final int HEIGHT = 600;
  private static final int DPI = 144;

  private Charts() {}

  /** A chart with titles, a white ground and a legend beside it. */
  public static XYChart chart(String title, String xTitle, String yTitle) {
    return chart(title, xTitle, yTitle, WIDTH, HEIGHT);
  }

  /** The same with a size in pixels. */
  public static XYChart chart(String title, String xTitle, String yTitle, int width, int height) {
    XYChart chart =
        new XYChartBuilder()
            .width(width)
            .height(height)
            .title(title)
            .xAxisTitle(xTitle)
            .yAxisTitle(yTitle)
            .theme(ChartTheme.Matlab)
            .build();
    chart
        .getStyler()
        .setLegendPosition(LegendPosition.OutsideE)
        .setChartBackgroundColor(Color.WHITE)
        .setPlotBackgroundColor(Color.WHITE)
        .setChartTitleBoxVisible(false)
        .setLegendBorderColor(Color.WHITE);
    chart.getStyler().setPlotGridLinesColor(new Color(0xE4E4E4));
    return chart;
  }

  /**
   * Writes a chart as PNG and SVG.
   *
   * @return the two files
   */
  public static List<Path> save(XYChart chart, Path folder, String name) throws IOException {
    Path png = folder.resolve(name + ".png");
    Path svg = folder.resolve(name + ".svg");
    BitmapEncoder.saveBitmapWithDPI(chart, png.toString(), BitmapEncoder.BitmapFormat.PNG, DPI);
    VectorGraphicsEncoder.saveVectorGraphic(
        chart, svg.toString(), VectorGraphicsEncoder.VectorGraphicsFormat.SVG);
    return List.of(png, svg);
  }

  /**
   * Writes a chart as an SVG element that can stand in a page, with coordinates of two decimals.
   *
   * @param chart the chart
   * @param id what makes the names inside unique in the page
   * @return the element
   */
  public static String svg(XYChart chart, String id) throws IOException {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    VectorGraphicsEncoder.saveVectorGraphic(
        chart, bytes, VectorGraphicsEncoder.VectorGraphicsFormat.SVG);
    String text = bytes.toString(StandardCharsets.UTF_8);
    return text.substring(text.indexOf("<svg"))
        .replaceAll("(\\.\\d\\d)\\d+", "$1")
        .replaceAll("(\\bid=\"|url\\(#|href=\"#)", "$1" + id + "-");
  }
}
