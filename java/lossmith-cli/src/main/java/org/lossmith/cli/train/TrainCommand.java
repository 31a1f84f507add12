package org.lossmith.cli.train;

import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** {@code train}: trainings of the library's losses on data of the user's. */
@Command(
    name = "train",
    description = "Train a model with the losses of the library.",
    mixinStandardHelpOptions = true,
    synopsisSubcommandLabel = "MODEL",
    subcommands = XmcCommand.class)
public final class TrainCommand implements Runnable {
  @Spec private CommandSpec spec;

  @Override
  public void run() {
    throw new ParameterException(
        spec.commandLine(), "expected a model (xmc: points to labels), got none");
  }
}
