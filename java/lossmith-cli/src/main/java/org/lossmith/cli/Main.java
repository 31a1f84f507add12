package org.lossmith.cli;

import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import org.lossmith.cli.demo.DemoCommand;
import org.lossmith.cli.eval.EvalCommand;
import org.lossmith.cli.info.InfoCommand;
import org.lossmith.cli.inspect.InspectCommand;
import org.lossmith.cli.quantize.QuantizeCommand;
import org.lossmith.cli.train.TrainCommand;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Help.Ansi;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** The command line of Lossmith. */
@Command(
    name = "lossmith",
    description = "Fused loss functions and quantizers on the CPU and on CUDA.",
    mixinStandardHelpOptions = true,
    versionProvider = Version.class,
    synopsisSubcommandLabel = "COMMAND",
    subcommands = {
      DemoCommand.class,
      InfoCommand.class,
      InspectCommand.class,
      QuantizeCommand.class,
      TrainCommand.class
    },
    footer = {
      "",
      "Exit codes: 0 success, 1 failure, 2 wrong usage. Results go to stdout, everything else to",
      "stderr. NO_COLOR is honoured. 'lossmith COMMAND --help' tells more.",
    })
public final class Main implements Runnable {
  @Spec private CommandSpec spec;

  /** Runs a command and exits with its code. */
  public static void main(String[] arguments) {
    // The charts of the demo are drawn without a display.
    System.setProperty("java.awt.headless", "true");
    System.exit(run(arguments));
  }

  /**
   * Runs a command.
   *
   * @return its exit code: 0 success, 1 failure, 2 wrong usage
   */
  public static int run(String... arguments) {
    try {
      return commandLine().execute(arguments);
    } catch (OutOfMemoryError e) {
      return Errors.outOfMemory(e);
    }
  }

  /** The command line, not yet executed. */
  static CommandLine commandLine() {
    CommandLine line = new CommandLine(new Main());
    line.addSubcommand(EvalCommand.create());
    line.setOut(new PrintWriter(System.out, true, StandardCharsets.UTF_8));
    line.setErr(new PrintWriter(System.err, true, StandardCharsets.UTF_8));
    line.setCaseInsensitiveEnumValuesAllowed(true);
    line.setUsageHelpLongOptionsMaxWidth(30);
    line.setUsageHelpWidth(100);
    line.setColorScheme(
        CommandLine.Help.defaultColorScheme(Terminal.colours() ? Ansi.ON : Ansi.OFF));
    line.setParameterExceptionHandler(Errors::usage);
    line.setExecutionExceptionHandler(Errors::failure);
    return line;
  }

  @Override
  public void run() {
    throw new ParameterException(spec.commandLine(), "expected a command, got none");
  }
}
