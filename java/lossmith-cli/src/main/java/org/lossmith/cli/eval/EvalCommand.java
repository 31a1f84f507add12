package org.lossmith.cli.eval;

import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.lossmith.cli.Json;
import org.lossmith.cli.Tables;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** {@code eval}: any operation of the library on .npy files. */
@Command(
    name = "eval",
    description = "Evaluate an operation, loss and gradients, on .npy files.",
    mixinStandardHelpOptions = true,
    synopsisSubcommandLabel = "OPERATION")
public final class EvalCommand implements Runnable {
  @Spec private CommandSpec spec;

  @Option(names = "--list", description = "List the operations with their inputs.")
  private boolean list;

  @Option(names = "--json", description = "With --list: print JSON.")
  private boolean json;

  private EvalCommand() {}

  /** Creates the command with one subcommand for each operation. */
  public static CommandLine create() {
    CommandLine line = new CommandLine(new EvalCommand());
    for (Operation operation : Operations.ALL) {
      line.addSubcommand(OperationCommand.create(operation));
    }
    return line;
  }

  @Override
  public void run() {
    if (!list) {
      throw new ParameterException(
          spec.commandLine(),
          "expected an operation ("
              + String.join(", ", Operations.ALL.stream().map(Operation::name).toList())
              + "), got none");
    }
    spec.commandLine().getOut().println(json ? Json.write(described()) : table());
  }

  private static List<Map<String, Object>> described() {
    return Operations.ALL.stream()
        .map(
            o ->
                Map.<String, Object>of(
                    "operation", o.name(),
                    "summary", o.summary(),
                    "inputs", o.inputs().stream().map(Input::flag).toList(),
                    "parameters", o.parameters().stream().map(Parameter::flag).toList(),
                    "gradients", o.gradients().stream().map(Flags::ofGradient).toList()))
        .toList();
  }

  private static String table() {
    return Tables.format(
        List.of("operation", "inputs"),
        Operations.ALL.stream().map(o -> List.of(o.name(), inputs(o))).toList());
  }

  private static String inputs(Operation operation) {
    Stream<String> flags =
        operation.inputs().stream().map(i -> i.required() ? i.flag() : "[" + i.flag() + "]");
    return String.join(" ", flags.toList());
  }
}
