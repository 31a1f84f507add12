package org.lossmith.cli.eval;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.lossmith.cli.ByteSize;
import org.lossmith.cli.Json;

/**
 * What an evaluation found.
 *
 * @param hasLoss whether the operation has a loss
 * @param loss the scalar; null where the reduction leaves none, or the operation has no loss
 * @param rowLoss the losses of the rows if there is no scalar and no file was asked for, else null
 * @param values what was found beside a loss
 * @param inputs the files read, by input; shapes and types as the operation got them
 * @param dtype the type of the data
 * @param facts what the library planned
 * @param workspaceBytes workspace that the context held after the call
 * @param outputs the files written, by output
 */
record EvalReport(
    String operation,
    boolean hasLoss,
    Double loss,
    List<Double> rowLoss,
    Map<String, Double> values,
    Map<String, FileFacts> inputs,
    String dtype,
    String device,
    int threads,
    Map<String, Object> facts,
    long workspaceBytes,
    double milliseconds,
    Map<String, FileFacts> outputs) {
  /** A file with the shape and the type of its tensor. */
  record FileFacts(String file, List<Long> shape, String dtype) {
    @Override
    public String toString() {
      return file + " " + shape + " " + dtype;
    }
  }

  /** One JSON object. */
  String json() {
    Map<String, Object> json = new LinkedHashMap<>();
    json.put("operation", operation);
    if (hasLoss) {
      json.put("loss", loss);
    }
    if (rowLoss != null) {
      json.put("row_loss", rowLoss);
    }
    json.putAll(values);
    json.put("inputs", inputs);
    json.put("dtype", dtype);
    json.put("device", device);
    json.put("threads", threads);
    json.putAll(facts);
    json.put("workspace_bytes", workspaceBytes);
    json.put("milliseconds", milliseconds);
    json.put("outputs", outputs);
    return Json.write(json);
  }

  /** Lines for people: the loss, or the losses of the rows, come first. */
  String text() {
    List<String> lines = new ArrayList<>();
    if (loss != null) {
      lines.add(line("loss", loss));
    }
    if (rowLoss != null) {
      for (int i = 0; i < rowLoss.size(); i++) {
        lines.add(line("row_loss[" + i + "]", rowLoss.get(i)));
      }
    }
    values.forEach((name, value) -> lines.add(line(name, value)));
    inputs.forEach((name, file) -> lines.add(line(name, file)));
    outputs.forEach((name, file) -> lines.add(line(name, "-> " + file)));
    lines.add(line("ran", ran()));
    return String.join(System.lineSeparator(), lines);
  }

  private String ran() {
    return String.format(
        Locale.ROOT,
        "%s on %s with %d threads%s, workspace %s, %.3f ms",
        operation,
        device,
        threads,
        facts.containsKey("plan") ? ", plan " + facts.get("plan") : "",
        ByteSize.format(workspaceBytes),
        milliseconds);
  }

  private static String line(String name, Object value) {
    return String.format(Locale.ROOT, "%-17s %s", name, value);
  }
}
