package org.lossmith.cli.eval;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.lossmith.BudgetException;
import org.lossmith.Context;
import org.lossmith.DType;
import org.lossmith.Device;
import org.lossmith.Tensor;
import org.lossmith.cli.FailureException;
import org.lossmith.cli.UsageException;
import org.lossmith.cli.npy.NpyFiles;

/** Carries out an evaluation: read, compute, write. */
final class EvalRun {
  private static final double NANOS_PER_MILLISECOND = 1e6;

  private EvalRun() {}

  /**
   * Evaluates.
   *
   * @throws UsageException if a hyperparameter is wrong
   * @throws FailureException if a file or a shape is wrong; no file was written then
   */
  static EvalReport of(EvalRequest request) {
    if (request.repeat() < 1) {
      throw new UsageException("--repeat: expected at least 1, got " + request.repeat());
    }
    Map<String, Tensor> tensors = new LinkedHashMap<>();
    Map<String, LabelledSets> sets = new LinkedHashMap<>();
    try (Context context = context(request)) {
      InputLoader loader = new InputLoader(request.device(), request.dtype());
      for (Input input : request.operation().inputs()) {
        Path file = request.inputs().get(input.name());
        if (file != null && input.role() == Input.Role.SETS) {
          sets.put(input.name(), loader.loadSets(input, file));
        } else if (file != null) {
          tensors.put(input.name(), loader.load(input, file));
        }
      }
      Call call =
          new Call(
              tensors,
              sets,
              request.parameters(),
              request.given(),
              request.gradients().keySet(),
              request.outputs().keySet(),
              request.rowLoss() != null);
      try (Evaluation evaluation = request.operation().prepare(context, call)) {
        double milliseconds = time(evaluation, request.repeat());
        return report(request, context, loader, call, evaluation, milliseconds);
      }
    } catch (IllegalArgumentException | BudgetException e) {
      throw ArgumentNames.translated(request, e);
    } finally {
      tensors.values().forEach(Tensor::close);
      sets.values().forEach(LabelledSets::close);
    }
  }

  private static Context context(EvalRequest request) {
    Context.Builder builder = Context.builder().device(request.device());
    if (request.budget() != null) {
      builder = builder.budget(request.budget());
    }
    if (request.threads() != null) {
      builder = builder.threads(request.threads());
    }
    return builder.build();
  }

  private static double time(Evaluation evaluation, int repeat) {
    double[] milliseconds = new double[repeat];
    for (int i = 0; i < repeat; i++) {
      long start = System.nanoTime();
      evaluation.run();
      milliseconds[i] = (System.nanoTime() - start) / NANOS_PER_MILLISECOND;
    }
    Arrays.sort(milliseconds);
    return milliseconds[repeat / 2];
  }

  private static EvalReport report(
      EvalRequest request,
      Context context,
      InputLoader loader,
      Call call,
      Evaluation evaluation,
      double milliseconds) {
    Map<String, EvalReport.FileFacts> inputs = new LinkedHashMap<>();
    request
        .inputs()
        .forEach(
            (name, file) ->
                inputs.put(
                    name,
                    call.tensor(name) != null
                        ? facts(file, call.tensor(name))
                        : facts(file, call.sets(name))));
    Map<String, EvalReport.FileFacts> outputs = new LinkedHashMap<>();
    request
        .gradients()
        .forEach(
            (name, file) -> outputs.put("grad_" + name, write(file, evaluation.gradient(name))));
    request
        .outputs()
        .forEach((name, file) -> outputs.put(name, write(file, evaluation.output(name))));
    if (request.rowLoss() != null) {
      outputs.put("row_loss", write(request.rowLoss(), evaluation.rowLoss()));
    }
    List<Double> rowLoss = null;
    boolean unreduced = request.operation().hasLoss() && evaluation.loss().isEmpty();
    if (unreduced && request.rowLoss() == null) {
      rowLoss = values(evaluation.rowLoss());
    }
    return new EvalReport(
        request.operation().name(),
        request.operation().hasLoss(),
        evaluation.loss().isPresent() ? evaluation.loss().getAsDouble() : null,
        rowLoss,
        evaluation.values(),
        inputs,
        dataType(loader, call).name().toLowerCase(Locale.ROOT),
        context.device().toString(),
        context.threads(),
        evaluation.facts(),
        context.workspaceBytes(),
        milliseconds,
        outputs);
  }

  /** The type of the data; where an operation has none, that of its first input. */
  private static DType dataType(InputLoader loader, Call call) {
    return loader.data() != null
        ? loader.data()
        : call.tensors().values().iterator().next().dtype();
  }

  private static EvalReport.FileFacts write(Path file, Tensor tensor) {
    try (Tensor copy = tensor.to(Device.cpu())) {
      NpyFiles.write(file, copy);
    }
    return facts(file, tensor);
  }

  private static EvalReport.FileFacts facts(Path file, Tensor tensor) {
    List<Long> shape = Arrays.stream(tensor.shape()).boxed().toList();
    return new EvalReport.FileFacts(
        file.toString(), shape, tensor.dtype().name().toLowerCase(Locale.ROOT));
  }

  private static EvalReport.FileFacts facts(Path file, LabelledSets sets) {
    return new EvalReport.FileFacts(
        file.toString(), List.of(sets.sets().rows(), sets.columns()), "csr");
  }

  private static List<Double> values(Tensor tensor) {
    List<Double> values = new ArrayList<>();
    for (double value : tensor.toDoubleArray()) {
      values.add(value);
    }
    return values;
  }
}
