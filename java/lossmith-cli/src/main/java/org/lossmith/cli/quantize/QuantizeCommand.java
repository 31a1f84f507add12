package org.lossmith.cli.quantize;

import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.Callable;
import org.lossmith.Groups;
import org.lossmith.cli.Json;
import org.lossmith.cli.UsageException;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code quantize}: the weights of a model as codes of a few bits. */
@Command(
    name = "quantize",
    description = {
      "Turn the weights of a model into codes of 2 to 8 bits.",
      "",
      "IN is an ONNX model (weights of Conv, ConvTranspose, Gemm and MatMul), a file of"
          + " safetensors (all floating-point tensors of two or more dimensions), or the"
          + " .index.json of several such files. An ONNX model stays one that any runtime executes:"
          + " codes are decoded by a table, with standard operators. A file of safetensors gets"
          + " NAME.codes, NAME.scale and NAME.exponent in place of NAME, and notes in its metadata"
          + " how they were made.",
      "",
      "The report compares the errors with those of uniform grids of the same bits."
    },
    mixinStandardHelpOptions = true,
    sortOptions = false)
public final class QuantizeCommand implements Callable<Integer> {
  @Spec private CommandSpec spec;

  @Parameters(paramLabel = "IN", description = "The model: .onnx, .safetensors or .index.json.")
  private Path in;

  @Option(
      names = "--out",
      required = true,
      paramLabel = "OUT",
      description = "Where the quantized model goes; it appears when it is whole.")
  private Path out;

  @Option(
      names = "--method",
      defaultValue = "power",
      paramLabel = "WORD",
      description = "${COMPLETION-CANDIDATES}. Default: power.")
  private Method method;

  @Option(
      names = "--bits",
      defaultValue = "4",
      paramLabel = "COUNT",
      description = "Bits of a code, 2 to 8. Default: 4.")
  private int bits;

  @Option(
      names = "--exponent",
      converter = ExponentChoice.Converter.class,
      paramLabel = "WORD",
      description =
          "power: a number, or search-tensor, search-channel, search-network. Default:"
              + " search-tensor.")
  private ExponentChoice exponent;

  @ArgGroup private Sharing sharing = new Sharing();

  /** What shares a scale. */
  static final class Sharing {
    @Option(names = "--per-channel", description = "A scale for each output channel. The default.")
    private boolean channel;

    @Option(names = "--per-tensor", description = "A scale for each tensor.")
    private boolean tensor;

    @Option(
        names = "--group",
        paramLabel = "COUNT",
        description = "A scale for each COUNT consecutive elements of a channel.")
    private Long group;
  }

  @Option(
      names = "--skip",
      converter = NameGlob.Converter.class,
      paramLabel = "GLOB",
      description = "Leave weights of such names as they are (* and ?). May be repeated.")
  private List<NameGlob> skip = List.of();

  @Option(
      names = "--calibration",
      paramLabel = "FILE",
      description =
          "ONNX: inputs of the model as .npy, to learn codes from so that outputs change least."
              + " Needs ONNX Runtime.")
  private Path calibration;

  @Option(
      names = "--report",
      paramLabel = "FILE",
      description = "Write a page with the table and plots of every weight.")
  private Path report;

  @Option(
      names = "--threads",
      defaultValue = "0",
      paramLabel = "COUNT",
      description = "CPU threads of the library. Default: all cores.")
  private int threads;

  @Option(names = "--quiet", description = "No progress on stderr.")
  private boolean quiet;

  @Option(names = "--json", description = "Print one JSON object.")
  private boolean json;

  @Override
  public Integer call() {
    check();
    QuantizeReport result;
    try {
      result = new QuantizeRun(settings(), in, out).run();
    } catch (IllegalArgumentException e) {
      if (e.getMessage() != null && e.getMessage().contains(": expected ")) {
        // The library names the hyperparameter as the flag does.
        throw new UsageException("--" + e.getMessage());
      }
      throw e;
    }
    spec.commandLine().getOut().println(json ? Json.write(result) : QuantizeText.of(result));
    return 0;
  }

  private QuantizeSettings settings() {
    ExponentChoice choice =
        exponent == null ? new ExponentChoice(ExponentChoice.Kind.TENSOR, Double.NaN) : exponent;
    return new QuantizeSettings(
        method, bits, choice, groups(), skip, calibration, report, threads, quiet);
  }

  private Groups groups() {
    if (sharing.group != null) {
      return Groups.ofColumns(sharing.group);
    }
    return sharing.tensor ? Groups.perTensor() : Groups.perChannel(0);
  }

  private void check() {
    if (bits < 2 || bits > Byte.SIZE) {
      throw new UsageException("--bits: expected 2 to 8, got " + bits);
    }
    if (sharing.group != null && sharing.group < 1) {
      throw new UsageException("--group: expected at least 1, got " + sharing.group);
    }
    if (report != null && report.toAbsolutePath().normalize().equals(normalOut())) {
      throw new UsageException("--report: expected another file than --out, got " + report);
    }
    if (calibration != null && method == Method.UNIFORM_ASYMMETRIC) {
      throw new UsageException("--calibration: expected a symmetric grid, got --method " + method);
    }
    if (exponent != null && method != Method.POWER) {
      throw new UsageException("--exponent: expected with --method power, got --method " + method);
    }
  }

  private Path normalOut() {
    return out.toAbsolutePath().normalize();
  }
}
