package org.lossmith.cli;

import java.util.Set;
import org.lossmith.NativeLoadException;
import picocli.CommandLine;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.ParseResult;
import picocli.CommandLine.UnmatchedArgumentException;

/** Turns exceptions into a line on stderr and an exit code. */
final class Errors {
  private static final int FAILURE = 1;
  private static final int USAGE = 2;

  private Errors() {}

  /** Wrong flags. */
  static int usage(ParameterException e, String[] arguments) {
    CommandLine command = e.getCommandLine();
    String name = command.getCommandSpec().qualifiedName();
    print(command, name + ": " + wrongUsage(e, name));
    return USAGE;
  }

  /** Whatever went wrong while a command ran. */
  static int failure(Exception e, CommandLine command, ParseResult parsed) {
    String name = command.getCommandSpec().qualifiedName();
    if (e instanceof NativeLoadException) {
      // Tells which dependency to add, on several lines.
      print(command, name + ": " + e.getMessage());
      return FAILURE;
    }
    String message = firstLine(e.getMessage());
    print(command, name + ": " + (message.isEmpty() ? e.getClass().getSimpleName() : message));
    if (isDefect(e)) {
      e.printStackTrace(command.getErr());
    }
    return e instanceof UsageException ? USAGE : FAILURE;
  }

  /** Whether only the developers of this program can mend the error. */
  private static boolean isDefect(Exception e) {
    return e instanceof NullPointerException
        || e instanceof IndexOutOfBoundsException
        || e instanceof ClassCastException
        || e instanceof ArithmeticException;
  }

  private static String wrongUsage(ParameterException e, String name) {
    if (e instanceof UnmatchedArgumentException unmatched) {
      String word = unmatched.getUnmatched().get(0);
      Set<String> commands = e.getCommandLine().getSubcommands().keySet();
      String expected =
          word.startsWith("-") || commands.isEmpty()
              ? "a flag of '" + name + " --help'"
              : "one of " + String.join(", ", commands);
      String hint =
          unmatched.getSuggestions().stream()
              .findFirst()
              .map(s -> "; did you mean " + s + "?")
              .orElse("");
      return "expected " + expected + ", got '" + word + "'" + hint;
    }
    return firstLine(e.getMessage()) + "; see '" + name + " --help'";
  }

  /** Memory that could not be had, on the heap or by the library. */
  static int outOfMemory(OutOfMemoryError e) {
    System.err.println("lossmith: out of memory: " + firstLine(e.getMessage()));
    return FAILURE;
  }

  private static String firstLine(String message) {
    return message == null ? "" : message.lines().findFirst().orElse("");
  }

  private static void print(CommandLine command, String line) {
    command.getErr().println(line);
  }
}
