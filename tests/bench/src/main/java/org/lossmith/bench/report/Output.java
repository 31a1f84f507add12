package org.lossmith.bench.report;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializationFeature;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** The files of a run: results as JSON and as Markdown, and the plots. */
public final class Output {
  private static final ObjectMapper MAPPER =
      new ObjectMapper()
          .enable(SerializationFeature.INDENT_OUTPUT)
          .setDefaultPropertyInclusion(JsonInclude.Include.NON_NULL);

  private Output() {}

  /** Adds the machine and the versions to a report. */
  public static void describe(Report report) {
    Machine.describe(report.getMachine(), report.getVersions());
  }

  /** The report as one JSON object. */
  public static String json(Report report) {
    try {
      return MAPPER.writeValueAsString(report);
    } catch (JsonProcessingException e) {
      throw new UncheckedIOException("report cannot be written as JSON", e);
    }
  }

  /** Writes all files to a folder, which is created; {@code name} is that of the results. */
  public static void write(Report report, Path folder, String name) throws IOException {
    Files.createDirectories(folder);
    Files.writeString(folder.resolve(name + ".json"), json(report) + "\n");
    Files.writeString(folder.resolve(name + ".md"), Markdown.of(report));
    Plots.write(report, folder);
  }
}
