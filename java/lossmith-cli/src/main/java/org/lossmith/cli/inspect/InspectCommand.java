package org.lossmith.cli.inspect;

import java.nio.file.Path;
import java.util.concurrent.Callable;
import org.lossmith.cli.Json;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code inspect}: what a model file holds. */
@Command(
    name = "inspect",
    description = {
      "List the tensors of a model: .onnx, .safetensors, or the .index.json of several of those.",
      "",
      "Only headers are read unless --stats asks for the elements of floating-point tensors."
    },
    mixinStandardHelpOptions = true,
    sortOptions = false)
public final class InspectCommand implements Callable<Integer> {
  @Spec private CommandSpec spec;

  @Parameters(paramLabel = "FILE", description = "The model.")
  private Path file;

  @Option(names = "--stats", description = "Also least, largest and mean element.")
  private boolean statistics;

  @Option(names = "--json", description = "Print one JSON object.")
  private boolean json;

  @Override
  public Integer call() {
    InspectReport report = Inspection.of(file, statistics);
    spec.commandLine().getOut().println(json ? Json.write(report) : InspectText.of(report));
    return 0;
  }
}
