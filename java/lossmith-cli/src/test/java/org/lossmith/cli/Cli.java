package org.lossmith.cli;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.PrintWriter;
import java.io.StringWriter;
import picocli.CommandLine;

/** A run of the command line within the test's JVM. */
public record Cli(int code, String out, String err) {
  /** Runs a command. */
  public static Cli run(Object... arguments) {
    StringWriter out = new StringWriter();
    StringWriter err = new StringWriter();
    CommandLine line = Main.commandLine();
    line.setOut(new PrintWriter(out, true));
    line.setErr(new PrintWriter(err, true));
    String[] words = new String[arguments.length];
    for (int i = 0; i < words.length; i++) {
      words[i] = arguments[i].toString();
    }
    return new Cli(line.execute(words), out.toString(), err.toString());
  }

  /** What was printed on stdout, which is exactly one JSON object. */
  public JsonNode json() {
    return Json.read(out);
  }
}
