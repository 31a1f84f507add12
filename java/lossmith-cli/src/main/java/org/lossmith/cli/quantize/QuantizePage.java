package org.lossmith.cli.quantize;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Collectors;
import org.lossmith.cli.charts.Charts;

/** The report of a quantization as one page that needs no other file. */
final class QuantizePage {
  /** More layers than this are not drawn: the page would take long to load. */
  private static final int MOST_DRAWN = 40;

  private static final String HEAD =
      """
      <!DOCTYPE html>
      <html lang="en">
      <head>
      <meta charset="utf-8">
      <meta name="viewport" content="width=device-width, initial-scale=1">
      <title>%s</title>
      <style>
      body { font: 15px/1.5 system-ui, sans-serif; color: #222; margin: 2rem auto; max-width: 84rem;
        padding: 0 1rem; }
      h1 { font-size: 1.5rem; }
      h2 { font-size: 1.1rem; margin-top: 2.5rem; border-top: 1px solid #ddd; padding-top: 1rem;
        overflow-wrap: anywhere; }
      table { border-collapse: collapse; font-size: 0.9rem; }
      .wide { overflow-x: auto; }
      th, td { padding: 0.25rem 0.7rem; text-align: right; white-space: nowrap; }
      th { border-bottom: 2px solid #444; font-weight: 600; }
      td { border-bottom: 1px solid #eee; }
      th:nth-child(-n+3), td:nth-child(-n+3) { text-align: left; }
      .charts { display: flex; flex-wrap: wrap; gap: 1rem; }
      .charts svg { max-width: 100%%; height: auto; }
      .note { color: #555; }
      </style>
      </head>
      <body>
      """;

  private static final String NOTE =
      """
      <p class="note">SQNR: the sum of squares of the weights over that of their errors. The columns
      uniform and asymmetric have it for uniform grids of the same bits and scales: around zero, and
      from the least weight to the largest. Before and after are the bytes of weights, and of codes
      with scales and exponents.</p>
      """;

  private QuantizePage() {}

  /** Writes the page. */
  static ByteBuffer of(QuantizeReport report) throws IOException {
    StringBuilder page = new StringBuilder();
    page.append(HEAD.formatted(escape("Quantization of " + report.in())));
    page.append("<h1>").append(escape("Quantization of " + report.in())).append("</h1>\n");
    for (String line : QuantizeText.summary(report)) {
      page.append("<p>").append(escape(line)).append("</p>\n");
    }
    page.append("<div class=\"wide\">\n");
    table(page, QuantizeText.HEADER, report.layers().stream().map(QuantizeText::row).toList());
    page.append("</div>\n");
    page.append(NOTE);
    List<List<String>> calibrated = QuantizeText.calibrationRows(report);
    if (!calibrated.isEmpty()) {
      page.append("<h2>Errors of outputs on calibration inputs</h2>\n");
      table(page, QuantizeText.CALIBRATION_HEADER, calibrated);
    }
    charts(page, report.layers());
    page.append("</body>\n</html>\n");
    return ByteBuffer.wrap(page.toString().getBytes(StandardCharsets.UTF_8));
  }

  private static void charts(StringBuilder page, List<LayerReport> layers) throws IOException {
    List<LayerReport> drawn = layers;
    if (layers.size() > MOST_DRAWN) {
      drawn =
          layers.stream()
              .sorted(Comparator.comparingDouble(LayerReport::sqnr))
              .limit(MOST_DRAWN)
              .toList();
      page.append("<p class=\"note\">The ")
          .append(MOST_DRAWN)
          .append(" weights with the lowest SQNR are drawn.</p>\n");
    }
    int id = 0;
    for (LayerReport layer : drawn) {
      page.append("<h2>").append(escape(layer.name())).append("</h2>\n");
      page.append("<p class=\"note\">").append(escape(caption(layer))).append("</p>\n");
      page.append("<div class=\"charts\">\n");
      page.append(Charts.svg(QuantizeCharts.histogram(layer), "h" + id)).append('\n');
      page.append(Charts.svg(QuantizeCharts.errors(layer), "e" + id)).append('\n');
      page.append("</div>\n");
      id++;
    }
  }

  private static String caption(LayerReport layer) {
    return QuantizeText.line(
        "%s %s, %d bits, exponent %.3f: %s dB; uniform symmetric %s dB, asymmetric %s dB.",
        layer.operator(),
        QuantizeText.shape(layer.shape()),
        layer.bits(),
        layer.exponent(),
        QuantizeText.decibels(layer.sqnr()),
        QuantizeText.decibels(layer.uniformSymmetric()),
        QuantizeText.decibels(layer.uniformAsymmetric()));
  }

  private static void table(StringBuilder page, List<String> header, List<List<String>> rows) {
    page.append("<table>\n<thead>").append(row("th", header)).append("</thead>\n<tbody>\n");
    rows.forEach(row -> page.append(row("td", row)).append('\n'));
    page.append("</tbody>\n</table>\n");
  }

  private static String row(String cell, List<String> values) {
    return values.stream()
        .map(value -> "<" + cell + ">" + escape(value) + "</" + cell + ">")
        .collect(Collectors.joining("", "<tr>", "</tr>"));
  }

  private static String escape(String text) {
    return text.replace("&", "&amp;")
        .replace("<", "&lt;")
        .replace(">", "&gt;")
        .replace("\"", "&quot;");
  }
}
