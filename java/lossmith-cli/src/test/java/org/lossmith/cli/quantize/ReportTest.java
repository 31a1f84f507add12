package org.lossmith.cli.quantize;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import javax.xml.parsers.DocumentBuilderFactory;
import javax.xml.parsers.ParserConfigurationException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.lossmith.cli.Cli;
import org.lossmith.cli.LeakFreeTest;
import org.lossmith.cli.charts.Charts;
import org.lossmith.cli.onnx.OnnxModels;
import org.lossmith.cli.safetensors.SafetensorsBytes;
import org.w3c.dom.Document;
import org.xml.sax.SAXException;

/** What quantize tells: on the terminal and as a page. */
class ReportTest extends LeakFreeTest {
  @TempDir Path folder;

  @Test
  void theTableHasALineForEachWeightAndTheTotals() throws IOException {
    Path in = OnnxModels.write(OnnxModels.network(17), folder.resolve("in.onnx"));
    Cli run = Cli.run("quantize", in, "--out", folder.resolve("out.onnx"), "--quiet");
    assertEquals(0, run.code(), run.err());
    assertEquals("", run.err());
    for (String name : new String[] {"conv.weight", "fc.weight", "fc2.weight", "constant"}) {
      assertEquals(1, run.out().lines().filter(l -> l.startsWith(name + " ")).count(), run.out());
    }
    assertTrue(run.out().contains("5 weights: power at 4 bits, exponent search-tensor"), run.out());
    assertTrue(run.out().contains("times smaller"), run.out());
  }

  @Test
  void thePageNeedsNoOtherFileAndNoNameTwice()
      throws IOException, ParserConfigurationException, SAXException {
    Path in =
        new SafetensorsBytes()
            .floats("<w&amp>", "[16,32]", OnnxModels.weights(512, 1))
            .floats("zeros", "[4,4]", new float[16])
            .write(folder.resolve("in.safetensors"));
    Path page = folder.resolve("page.html");
    Cli run =
        Cli.run(
            "quantize", in, "--out", folder.resolve("o.safetensors"), "--report", page, "--quiet");
    assertEquals(0, run.code(), run.err());
    String text = Files.readString(page);
    assertFalse(Pattern.compile("(src|href)=\"(?!#)").matcher(text).find(), "references");
    assertTrue(text.contains("&lt;w&amp;amp&gt;"), "names are escaped");
    assertEquals(4, text.split("<svg", -1).length - 1, "two charts for each weight");
    Set<String> ids = new HashSet<>();
    Matcher id = Pattern.compile("\\bid=\"([^\"]+)\"").matcher(text);
    while (id.find()) {
      assertTrue(ids.add(id.group(1)), "id twice: " + id.group(1));
    }
    for (int at = text.indexOf("<svg"); at >= 0; at = text.indexOf("<svg", at + 1)) {
      String svg = text.substring(at, text.indexOf("</svg>", at) + 6);
      Document parsed =
          DocumentBuilderFactory.newInstance()
              .newDocumentBuilder()
              .parse(new ByteArrayInputStream(svg.getBytes(StandardCharsets.UTF_8)));
      assertEquals("svg", parsed.getDocumentElement().getTagName());
    }
    assertTrue(text.length() < 400_000, "a page of " + text.length() + " characters");
  }

  @Test
  void histogramsOfEveryHeightAreDrawn() throws IOException {
    double[] grid = {-1, 0, 1};
    for (double most = 0.03; most <= 1; most *= 1.5) {
      // The axis goes below zero, where labels are left out.
      LayerPlot plot =
          new LayerPlot(new double[] {most, 0, most / 3}, grid, grid, grid, grid.clone());
      LayerReport layer =
          new LayerReport(
              "w",
              "Conv",
              "float",
              new long[] {2, 2},
              2,
              1,
              1,
              1,
              1,
              1,
              9,
              9,
              9,
              16,
              1,
              1,
              null,
              plot);
      String svg = Charts.svg(QuantizeCharts.histogram(layer), "h");
      assertTrue(svg.startsWith("<svg") && svg.strip().endsWith("</svg>"), svg);
    }
  }

  @Test
  void aPageThatCannotBeWrittenIsToldBeforeAnythingIsDone() throws IOException {
    Path in =
        new SafetensorsBytes().floats("w", "[1,2]", 1, 2).write(folder.resolve("in.safetensors"));
    Path out = folder.resolve("out.safetensors");
    Cli run = Cli.run("quantize", in, "--out", out, "--report", folder.resolve("no/page.html"));
    assertEquals(2, run.code());
    assertTrue(run.err().contains("--report"), run.err());
    assertFalse(Files.exists(out));
  }
}
