package org.lossmith.cli.quantize;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.lossmith.Context;
import org.lossmith.PowerParameters;
import org.lossmith.Tensor;
import org.lossmith.cli.FailureException;
import org.lossmith.cli.Progress;
import org.lossmith.cli.UsageException;
import org.lossmith.cli.files.AtomicFile;
import org.lossmith.cli.files.FileErrors;
import org.lossmith.cli.files.TensorBytes;

/** A quantization from beginning to end. */
final class QuantizeRun {
  private static final double NANOS_PER_MILLI = 1e6;
  private static final double NANOS_PER_SECOND = 1e9;

  private final QuantizeSettings settings;
  private final Path in;
  private final Path out;
  private final Scheme scheme;
  private double signal;
  private double noise;
  private double symmetric;
  private double asymmetric;

  QuantizeRun(QuantizeSettings settings, Path in, Path out) {
    this.settings = settings;
    this.in = in;
    this.out = out;
    scheme = Schemes.of(settings);
  }

  /**
   * Quantizes.
   *
   * @throws FailureException if a file is missing or bad; no output was written then
   */
  QuantizeReport run() {
    long start = System.nanoTime();
    try (Context context = Context.builder().threads(settings.threads()).build();
        LayeredModel model = ModelFormat.open(context, in)) {
      for (Path target : model.outputs(out)) {
        checkTarget(model, "--out", target);
      }
      if (settings.report() != null) {
        checkTarget(model, "--report", settings.report());
      }
      return run(context, model, start);
    } catch (IOException e) {
      throw new FailureException("--out " + out + ": cannot write: " + FileErrors.reason(e), e);
    }
  }

  private QuantizeReport run(Context context, LayeredModel model, long start) throws IOException {
    List<Layer> chosen = new ArrayList<>();
    List<String> skipped = new ArrayList<>();
    for (Layer layer : model.layers()) {
      if (settings.skips(layer.name())) {
        skipped.add(layer.name());
      } else {
        chosen.add(layer);
      }
    }
    if (chosen.isEmpty()) {
      throw new FailureException(
          in
              + ": expected weights to quantize, got none"
              + (skipped.isEmpty() ? "" : " but the " + skipped.size() + " of --skip"));
    }
    long before = model.bytes();
    List<LayerReport> layers = new ArrayList<>();
    try (Progress progress = Progress.start("quantize", settings.quiet())) {
      progress.expect((1L + scheme.surveys()) * chosen.size());
      survey(context, model, chosen, progress);
      model.begin(out, chosen, scheme);
      try (Calibration calibration = calibration(context, model, chosen)) {
        for (Layer layer : chosen) {
          progress.stage(layer.name());
          layers.add(quantize(context, model, layer, calibration));
          progress.step();
        }
      }
      return finish(model, layers, skipped, before, start);
    }
  }

  private void survey(Context context, LayeredModel model, List<Layer> chosen, Progress progress) {
    if (scheme.surveys() == 0) {
      return;
    }
    do {
      progress.stage("one exponent for all weights");
      for (Layer layer : chosen) {
        try (Tensor matrix = read(model, layer)) {
          scheme.survey(context, matrix);
        }
        progress.step();
      }
    } while (scheme.surveyAgain());
  }

  private Calibration calibration(Context context, LayeredModel model, List<Layer> chosen) {
    if (settings.calibration() == null) {
      return null;
    }
    if (model instanceof OnnxLayers layers) {
      return Calibration.of(context, layers, chosen, settings.calibration(), settings.threads());
    }
    throw new UsageException(
        "--calibration: expected with an ONNX model, which says what is computed, got " + in);
  }

  private LayerReport quantize(
      Context context, LayeredModel model, Layer layer, Calibration calibration)
      throws IOException {
    long start = System.nanoTime();
    try (Tensor matrix = read(model, layer)) {
      Reconstructed result = code(context, layer, matrix, calibration);
      try (CodedWeight codes = result.codes()) {
        model.put(layer, codes);
        return report(context, layer, matrix, result, start);
      }
    }
  }

  private Reconstructed code(Context context, Layer layer, Tensor matrix, Calibration calibration) {
    LayerMoments moments = calibration == null ? null : calibration.moments(layer);
    if (moments != null) {
      return Reconstructed.of(context, layer.name(), scheme, matrix, moments);
    }
    PowerParameters parameters = scheme.parameters(context, matrix);
    return new Reconstructed(CodedWeight.of(context, scheme.quantizer(), matrix, parameters), null);
  }

  private LayerReport report(
      Context context, Layer layer, Tensor matrix, Reconstructed result, long start) {
    CodedWeight codes = result.codes();
    LayerJudge judge = new LayerJudge(context, codes.quantizer());
    double power = LayerJudge.signal(matrix);
    double error = judge.noise(matrix, codes);
    double uniform = judge.symmetric(matrix);
    double shifted = judge.asymmetric(matrix);
    signal += power;
    noise += error;
    symmetric += uniform;
    asymmetric += shifted;
    double[] exponents = sorted(codes.parameters().exponent());
    double[] scales = sorted(codes.parameters().scale());
    double exponent = exponents[exponents.length / 2];
    LayerPlot plot =
        settings.report() == null
            ? null
            : LayerPlots.of(context, matrix, codes, exponent, Math.max(power, Double.MIN_NORMAL));
    return new LayerReport(
        layer.name(),
        layer.operator(),
        layer.dtype(),
        layer.shape(),
        codes.quantizer().bits(),
        exponent,
        exponents[0],
        exponents[exponents.length - 1],
        scales[0],
        scales[scales.length - 1],
        LayerJudge.decibels(power, error),
        LayerJudge.decibels(power, uniform),
        LayerJudge.decibels(power, shifted),
        layer.bytes(),
        codes.bytes(),
        (System.nanoTime() - start) / NANOS_PER_MILLI,
        result.report(),
        plot);
  }

  private static double[] sorted(Tensor tensor) {
    double[] values = tensor.toDoubleArray();
    Arrays.sort(values);
    return values;
  }

  /** Reads a weight, which must be finite. */
  private Tensor read(LayeredModel model, Layer layer) {
    Tensor matrix = model.matrix(layer);
    try {
      double[] first =
          FloatBlocks.sum(
              (from, values) -> {
                for (int i = 0; i < values[0].length; i++) {
                  if (!Float.isFinite(values[0][i])) {
                    return new double[] {1};
                  }
                }
                return new double[] {0};
              },
              matrix);
      if (first[0] > 0) {
        throw notFinite(model, layer, matrix);
      }
      return matrix;
    } catch (RuntimeException e) {
      matrix.close();
      throw e;
    }
  }

  private FailureException notFinite(LayeredModel model, Layer layer, Tensor matrix) {
    long[] at = {0};
    String[] found = {null};
    try {
      TensorBytes.forBlocks(
          matrix,
          block -> {
            for (; found[0] == null && block.hasRemaining(); at[0]++) {
              float value = block.getFloat();
              if (!Float.isFinite(value)) {
                String place = model.place(layer, at[0] / layer.columns(), at[0] % layer.columns());
                found[0] = value + " at " + place;
              }
            }
          });
    } catch (IOException e) {
      throw new AssertionError("memory that cannot be read", e);
    }
    return new FailureException(
        String.format(
            "%s: tensor '%s': expected finite weights, got %s", in, layer.name(), found[0]));
  }

  private QuantizeReport finish(
      LayeredModel model,
      List<LayerReport> layers,
      List<String> skipped,
      long bytesBefore,
      long start)
      throws IOException {
    Path page = settings.report();
    try (AtomicFile file = page == null ? null : AtomicFile.create(page)) {
      long bytesAfter = model.commit();
      QuantizeReport report =
          new QuantizeReport(
              in.toString(),
              out.toString(),
              settings.method().toString(),
              settings.bits(),
              settings.method() == Method.POWER ? settings.exponent().toString() : "1",
              settings.sharing(),
              layers,
              skipped,
              LayerJudge.decibels(signal, noise),
              LayerJudge.decibels(signal, symmetric),
              LayerJudge.decibels(signal, asymmetric),
              layers.stream().mapToLong(LayerReport::bytesBefore).sum(),
              layers.stream().mapToLong(LayerReport::bytesAfter).sum(),
              bytesBefore,
              bytesAfter,
              (System.nanoTime() - start) / NANOS_PER_SECOND);
      if (file != null) {
        TensorBytes.writeFully(file.channel(), QuantizePage.of(report));
        file.commit();
      }
      return report;
    }
  }

  private void checkTarget(LayeredModel model, String flag, Path target) throws IOException {
    if (Files.isDirectory(target)) {
      throw new UsageException(flag + " " + target + ": expected a file, got a directory");
    }
    if (!Files.isDirectory(target.toAbsolutePath().getParent())) {
      throw new UsageException(flag + " " + target + ": expected a folder that exists, got none");
    }
    for (Path file : model.files()) {
      if (Files.exists(target) && Files.isSameFile(file, target)) {
        throw new UsageException(
            flag + " " + target + ": expected another file than those of the model, got " + file);
      }
    }
  }
}
