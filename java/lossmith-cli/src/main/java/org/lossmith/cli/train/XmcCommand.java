package org.lossmith.cli.train;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import java.util.concurrent.Callable;
import org.lossmith.BudgetException;
import org.lossmith.Device;
import org.lossmith.cli.ByteSize;
import org.lossmith.cli.DeviceName;
import org.lossmith.cli.Json;
import org.lossmith.cli.UsageException;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code train xmc}: points to labels, of which each may have several. */
@Command(
    name = "xmc",
    description = {
      "Learn which labels points have: an encoder of the points and a vector for each label.",
      "",
      "The data is two files of the extreme classification repository (a header 'points features"
          + " labels', then a row 'label,label feature:value feature:value' for each point; .gz is"
          + " decompressed), or, without files, the names of the JDK: a name in some language is a"
          + " point, the entities that it names are its labels. A point is the weighted sum of the"
          + " trained vectors of its features (n-grams of a name: their mean). The labels' vectors"
          + " are stepped in the pass that computes the gradient, which is never stored.",
      "",
      "With --checkpoint a training that was interrupted, also by kill -9, goes on when the same"
          + " command is given again, and ends with the same bits as one that was not."
    },
    mixinStandardHelpOptions = true,
    sortOptions = false)
public final class XmcCommand implements Callable<Integer> {
  @Spec private CommandSpec spec;

  @Option(names = "--train", paramLabel = "FILE", description = "Points to train on.")
  private Path training;

  @Option(names = "--test", paramLabel = "FILE", description = "Points to judge by.")
  private Path test;

  @Option(names = "--quick", description = "Without files: a run of seconds, on a few languages.")
  private boolean quick;

  @Option(
      names = "--loss",
      defaultValue = "decoupled-softmax",
      paramLabel = "WORD",
      description = "${COMPLETION-CANDIDATES}. Default: decoupled-softmax.")
  private LossKind loss;

  @Option(
      names = "--update",
      defaultValue = "adagrad",
      paramLabel = "WORD",
      description = "How labels are stepped: ${COMPLETION-CANDIDATES}. Default: adagrad.")
  private UpdateKind update;

  @Option(
      names = "--epochs",
      defaultValue = "5",
      paramLabel = "COUNT",
      description = "Passes over the points. Default: 5.")
  private int epochs;

  @Option(
      names = "--batch",
      defaultValue = "512",
      paramLabel = "COUNT",
      description = "Points in a step. Default: 512.")
  private int batch;

  @Option(
      names = "--dimension",
      defaultValue = "64",
      paramLabel = "COUNT",
      description = "Length of the vectors. Default: 64.")
  private int dimension;

  @Option(
      names = "--temperature",
      defaultValue = "0.05",
      paramLabel = "NUMBER",
      description = "Divides the scores. Default: 0.05.")
  private double temperature;

  @Option(names = "--inner-products", description = "Scores are inner products. Default: cosines.")
  private boolean innerProducts;

  @Option(
      names = "--rate",
      defaultValue = "0.01",
      paramLabel = "NUMBER",
      description = "Step size of the encoder's Adagrad. Default: 0.01.")
  private double rate;

  @Option(
      names = "--label-rate",
      defaultValue = "0.01",
      paramLabel = "NUMBER",
      description = "Step size of the labels' rule. Default: 0.01.")
  private double labelRate;

  @Option(
      names = "--k",
      defaultValue = "5",
      paramLabel = "COUNT",
      description = "soft-topk: labels on top; 0: as many as the point has. Default: 5.")
  private long k;

  @Option(
      names = "--alpha",
      defaultValue = "2",
      paramLabel = "NUMBER",
      description = "soft-topk: steepness. Default: 2.")
  private double alpha;

  @Option(
      names = "--sample",
      defaultValue = "0",
      paramLabel = "COUNT",
      description = "Labels drawn of each point in each step; 0: all. Default: 0.")
  private long sample;

  @Option(
      names = "--label-smoothing",
      defaultValue = "0",
      paramLabel = "NUMBER",
      description = "softmax: share of the target that is spread evenly. Default: 0.")
  private double labelSmoothing;

  @Option(
      names = "--seed",
      defaultValue = "1",
      paramLabel = "NUMBER",
      description = "Seed of start, order and draws. Default: 1.")
  private long seed;

  @Option(
      names = "--checkpoint",
      paramLabel = "FILE",
      description = "Keep the state here after each epoch, and go on from it if it is there.")
  private Path checkpoint;

  @Option(
      names = "--checkpoint-every",
      paramLabel = "STEPS",
      description = "Keep the state after so many steps, too.")
  private Integer checkpointEvery;

  @Option(names = "--restart", description = "Begin anew, even if there is a checkpoint.")
  private boolean restart;

  @Option(
      names = "--device",
      defaultValue = "cpu",
      converter = DeviceName.class,
      paramLabel = "DEVICE",
      description = "cpu or cuda:NUMBER, for labels and losses. Default: cpu.")
  private Device device;

  @Option(
      names = "--budget",
      converter = ByteSize.class,
      paramLabel = "BYTES",
      description = "Workspace limit, such as 64M or 1G. Default: 56M; on CUDA 1G.")
  private Long budget;

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
    TrainReport report;
    try {
      report = TrainRun.of(request());
    } catch (IllegalArgumentException | BudgetException e) {
      throw new UsageException(flagged(e.getMessage()));
    }
    spec.commandLine().getOut().println(json ? Json.write(report) : TrainText.of(report));
    return 0;
  }

  private TrainRequest request() {
    TrainSettings settings =
        new TrainSettings(
            loss,
            update,
            epochs,
            batch,
            dimension,
            temperature,
            !innerProducts,
            rate,
            labelRate,
            k,
            alpha,
            sample,
            labelSmoothing,
            seed);
    return new TrainRequest(
        settings,
        training,
        test,
        quick,
        checkpoint,
        checkpointEvery == null ? 0 : checkpointEvery,
        restart,
        device,
        budget,
        threads,
        quiet);
  }

  private void check() {
    if ((training == null) != (test == null)) {
      throw new UsageException(
          (training == null ? "--train" : "--test")
              + ": expected a file as "
              + (training == null ? "--test" : "--train")
              + " is given, got none");
    }
    if (quick && training != null) {
      throw new UsageException("--quick: expected without files, got --train " + training);
    }
    positive("--epochs", epochs);
    positive("--batch", batch);
    positive("--dimension", dimension);
    positive("--rate", rate);
    positive("--label-rate", labelRate);
    if (checkpoint == null && (checkpointEvery != null || restart)) {
      throw new UsageException(
          (restart ? "--restart" : "--checkpoint-every")
              + ": expected with --checkpoint, got no --checkpoint");
    }
    if (checkpointEvery != null) {
      positive("--checkpoint-every", checkpointEvery);
    }
    if (checkpoint != null && Files.isDirectory(checkpoint)) {
      throw new UsageException("--checkpoint " + checkpoint + ": expected a file, got a directory");
    }
    if (checkpoint != null && !Files.isDirectory(checkpoint.toAbsolutePath().getParent())) {
      throw new UsageException(
          "--checkpoint " + checkpoint + ": expected a folder that exists, got none");
    }
  }

  private static void positive(String flag, int value) {
    if (value < 1) {
      throw new UsageException(flag + ": expected at least 1, got " + value);
    }
  }

  private static void positive(String flag, double value) {
    if (!(value > 0 && value <= Double.MAX_VALUE)) {
      throw new UsageException(flag + ": expected a finite value > 0, got " + value);
    }
  }

  /** The library names a hyperparameter as the flag does, but for the spelling. */
  private static String flagged(String message) {
    int end = message.indexOf(':');
    String name = message.substring(0, Math.max(0, end)).replaceAll("([A-Z])", "-$1");
    return "--" + name.toLowerCase(Locale.ROOT) + message.substring(Math.max(0, end));
  }
}
