package org.lossmith.cli.eval;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import org.lossmith.DType;
import org.lossmith.Device;
import org.lossmith.cli.ByteSize;
import org.lossmith.cli.DeviceName;
import org.lossmith.cli.UsageException;
import picocli.CommandLine;
import picocli.CommandLine.Model.ArgGroupSpec;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;

/** {@code eval NAME}: its flags are made from what the operation declares. */
final class OperationCommand implements Callable<Integer> {
  private static final String ROW_LOSS = "--row-loss";

  private final Operation operation;
  private final CommandSpec spec;

  private OperationCommand(Operation operation) {
    this.operation = operation;
    spec = CommandSpec.wrapWithoutInspection(this);
  }

  /** Creates the command of an operation. */
  static CommandLine create(Operation operation) {
    OperationCommand command = new OperationCommand(operation);
    CommandSpec spec = command.spec.name(operation.name()).mixinStandardHelpOptions(false);
    spec.usageMessage()
        .sortOptions(false)
        .description(operation.summary(), "")
        .customSynopsis(command.synopsis())
        .footer(command.footer());
    spec.addOption(
        OptionSpec.builder("-h", "--help").usageHelp(true).description("Show this help.").build());
    spec.addArgGroup(group(command.inputHeading(), command.inputFlags()));
    spec.addArgGroup(group("%nHyperparameters:%n", command.parameterFlags()));
    spec.addArgGroup(group("%nOutputs (.npy files):%n", command.outputFlags()));
    spec.addArgGroup(group("%nHow to run:%n", runFlags()));
    return new CommandLine(spec);
  }

  @Override
  public Integer call() {
    Map<String, Path> inputs = new LinkedHashMap<>();
    for (Input input : operation.inputs()) {
      Path file = value(input.flag());
      if (file != null) {
        inputs.put(input.name(), file);
      } else if (input.required()) {
        throw new UsageException(
            input.flag() + ": expected a " + input.format() + " file, got nothing");
      }
    }
    Map<String, Object> parameters = new LinkedHashMap<>();
    Set<String> given = new TreeSet<>();
    for (Parameter<?> parameter : operation.parameters()) {
      Object value = value(parameter.flag());
      if (value != null) {
        given.add(parameter.name());
      }
      parameters.put(parameter.name(), value != null ? value : parameter.fallback());
    }
    Map<String, Path> gradients = new LinkedHashMap<>();
    for (String name : operation.gradients()) {
      Path file = value(Flags.ofGradient(name));
      if (file != null) {
        gradients.put(name, file);
      }
    }
    Map<String, Path> outputs = new LinkedHashMap<>();
    for (String name : operation.outputs().keySet()) {
      Path file = value(Flags.of(name));
      if (file != null) {
        outputs.put(name, file);
      }
    }
    EvalRequest request =
        new EvalRequest(
            operation,
            inputs,
            parameters,
            given,
            gradients,
            outputs,
            operation.hasLoss() ? value(ROW_LOSS) : null,
            value("--device", Device.cpu()),
            value("--dtype"),
            value("--budget"),
            value("--threads"),
            value("--repeat", 1));
    EvalReport report = EvalRun.of(request);
    spec.commandLine().getOut().println(value("--json", false) ? report.json() : report.text());
    return 0;
  }

  private <T> T value(String flag) {
    return spec.findOption(flag).getValue();
  }

  /** The value of a flag; picocli sets no defaults in groups of flags. */
  private <T> T value(String flag, T fallback) {
    T value = value(flag);
    return value != null ? value : fallback;
  }

  private static ArgGroupSpec group(String heading, List<OptionSpec> flags) {
    ArgGroupSpec.Builder group = ArgGroupSpec.builder().heading(heading).validate(false);
    int order = 0;
    for (OptionSpec flag : flags) {
      group.addArg(OptionSpec.builder(flag).order(order++).build());
    }
    return group.build();
  }

  private String inputHeading() {
    boolean sets = operation.inputs().stream().anyMatch(i -> i.role() == Input.Role.SETS);
    return sets ? "%nInputs (.npy files, sets of labels .npz):%n" : "%nInputs (.npy files):%n";
  }

  private List<OptionSpec> inputFlags() {
    List<OptionSpec> flags = new ArrayList<>();
    for (Input input : operation.inputs()) {
      String need = input.required() ? " Required." : "";
      flags.add(file(input.flag(), input.shape() + "  " + input.description() + "." + need));
    }
    return flags;
  }

  private List<OptionSpec> parameterFlags() {
    List<OptionSpec> flags = new ArrayList<>();
    for (Parameter<?> parameter : operation.parameters()) {
      OptionSpec.Builder flag = OptionSpec.builder(parameter.flag()).type(parameter.type());
      String fallback = parameter.fallback().toString().toLowerCase(Locale.ROOT);
      if (parameter.type() == Boolean.class) {
        flag.arity("0").description(sentence(parameter.description()));
      } else {
        flag.paramLabel(label(parameter.type()))
            .description(sentence(parameter.description()) + " Default: " + fallback + ".");
      }
      flags.add(flag.build());
    }
    return flags;
  }

  private static String label(Class<?> type) {
    if (type == Double.class) {
      return "NUMBER";
    }
    return type == Long.class ? "INTEGER" : "WORD";
  }

  private List<OptionSpec> outputFlags() {
    List<OptionSpec> flags = new ArrayList<>();
    for (String name : operation.gradients()) {
      flags.add(file(Flags.ofGradient(name), "gradient by " + Flags.of(name).substring(2) + "."));
    }
    operation.outputs().forEach((name, text) -> flags.add(file(Flags.of(name), text)));
    if (operation.hasLoss()) {
      flags.add(file(ROW_LOSS, "[n]  losses of the rows before the reduction."));
    }
    return flags;
  }

  private static List<OptionSpec> runFlags() {
    return List.of(
        OptionSpec.builder("--device")
            .type(Device.class)
            .converters(new DeviceName())
            .paramLabel("DEVICE")
            .description("cpu or cuda:NUMBER. Default: cpu.")
            .build(),
        OptionSpec.builder("--dtype")
            .type(DType.class)
            .paramLabel("TYPE")
            .description("Convert the data to f32, bf16, f16 or f64. Default: that of the first.")
            .build(),
        OptionSpec.builder("--budget")
            .type(Long.class)
            .converters(new ByteSize())
            .paramLabel("BYTES")
            .description("Workspace limit, such as 65536, 64M or 1G. Default: 56M; on CUDA 1G.")
            .build(),
        OptionSpec.builder("--threads")
            .type(Integer.class)
            .paramLabel("COUNT")
            .description("CPU threads. Default: all cores.")
            .build(),
        OptionSpec.builder("--repeat")
            .type(Integer.class)
            .paramLabel("COUNT")
            .description("Compute so often; the time shown is the median. Default: 1.")
            .build(),
        OptionSpec.builder("--json")
            .type(Boolean.class)
            .arity("0")
            .description("Print one JSON object.")
            .build());
  }

  private static OptionSpec file(String flag, String description) {
    return OptionSpec.builder(flag)
        .type(Path.class)
        .paramLabel("FILE")
        .description(sentence(description))
        .build();
  }

  private static String sentence(String text) {
    String closed = text.endsWith(".") ? text : text + ".";
    return closed.replace("%", "%%");
  }

  private String synopsis() {
    return "lossmith eval " + operation.name() + " " + operation.synopsis() + " [OPTION...]";
  }

  private String[] footer() {
    List<String> lines = new ArrayList<>();
    lines.add("");
    operation.formula().forEach(line -> lines.add("  " + line));
    lines.add("");
    String numbers = operation.hasLoss() ? "\"loss\" reads" : "numbers read";
    lines.add("JSON: " + numbers + " back to the same double; NaN and infinities are strings.");
    lines.add("Files may be f2, f4 or f8, in C or Fortran order;");
    remark(lines, Input.Role.MASK, "u1, bool or integers");
    remark(lines, Input.Role.INDEX, "i4 or i8");
    remark(lines, Input.Role.CODES, "i1 or u1");
    remark(lines, Input.Role.SETS, "scipy.sparse.save_npz of CSR; values are relevances");
    return lines.toArray(String[]::new);
  }

  private void remark(List<String> lines, Input.Role role, String types) {
    String flags =
        operation.inputs().stream()
            .filter(i -> i.role() == role)
            .map(Input::flag)
            .collect(Collectors.joining(", "));
    if (!flags.isEmpty()) {
      lines.add("  " + flags + ": " + types + ".");
    }
  }
}
