package org.lossmith.cli.eval;

import java.nio.file.Path;
import org.lossmith.BudgetException;
import org.lossmith.cli.FailureException;
import org.lossmith.cli.UsageException;

/** Puts the user's words for arguments into the library's errors, "name: expected x, got y". */
final class ArgumentNames {
  private ArgumentNames() {}

  /**
   * Translates an error of the library.
   *
   * @return a {@link UsageException} if a hyperparameter is wrong; a {@link FailureException} if a
   *     file is, or if the budget is too small for the files
   */
  static RuntimeException translated(EvalRequest request, RuntimeException e) {
    String message = String.valueOf(e.getMessage());
    int colon = message.indexOf(':');
    String name = colon < 0 ? "" : name(request, message.substring(0, colon));
    String rest = colon < 0 ? message : message.substring(colon);
    if (e instanceof BudgetException) {
      return new FailureException("--" + message, e);
    }
    if (request.operation().parameters().stream().anyMatch(p -> p.name().equals(name))
        || name.equals("budget")
        || name.equals("threads")) {
      return new UsageException(Flags.of(name) + rest);
    }
    Path file = request.inputs().get(name);
    if (file != null) {
      return new FailureException(Flags.of(name) + " " + file + rest, e);
    }
    boolean isInput = request.operation().inputs().stream().anyMatch(i -> i.name().equals(name));
    return new FailureException((isInput ? Flags.of(name) : name) + rest, e);
  }

  private static String name(EvalRequest request, String libraryName) {
    return request.operation().argument(snakeCase(libraryName), request.inputs().keySet());
  }

  /** The C header's spelling of a Java name: maxScale is max_scale. */
  private static String snakeCase(String name) {
    StringBuilder snake = new StringBuilder();
    for (char c : name.toCharArray()) {
      if (Character.isUpperCase(c)) {
        snake.append('_');
      }
      snake.append(Character.toLowerCase(c));
    }
    return snake.toString();
  }
}
