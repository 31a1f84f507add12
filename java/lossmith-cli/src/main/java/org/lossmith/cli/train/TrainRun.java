package org.lossmith.cli.train;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.IntStream;
import org.lossmith.Context;
import org.lossmith.cli.FailureException;
import org.lossmith.cli.ProcessMemory;
import org.lossmith.cli.Progress;
import org.lossmith.cli.data.Examples;

/** A training from the files to the report. */
final class TrainRun {
  private static final double NANOS = 1e-9;
  private static final double MILLIS = 1e-6;

  private final TrainRequest request;
  private final TrainSettings settings;
  private long stepNanos;

  private TrainRun(TrainRequest request) {
    this.request = request;
    settings = request.settings();
  }

  /** Trains and judges. */
  static TrainReport of(TrainRequest request) {
    return new TrainRun(request).run();
  }

  private TrainReport run() {
    long start = System.nanoTime();
    settings.loss().loss(settings, 0); // Hyperparameters are refused before anything is read.
    try (Context context = context();
        Progress progress = Progress.start("train", request.quiet())) {
      progress.stage("reading");
      TrainData data =
          request.training() == null
              ? TrainData.ofNames(settings, request.quick())
              : TrainData.ofFiles(request.training(), request.test());
      Examples training = data.training();
      try (LabelModel model =
          new LabelModel(
              settings, training.features().buckets(), training.labelCount(), request.device())) {
        if (data.labelStart() != null) {
          model.labels(data.labelStart());
        }
        LabelTraining train = new LabelTraining(training, settings, model, context);
        if (train.items() == 0) {
          throw new FailureException(
              "--train " + data.source() + ": expected points with labels, got none to train on");
        }
        long before = train(train, model, training, progress);
        progress.stage("judging");
        Judge judge = new Judge(training, settings, context);
        List<LabelScores> scores = new ArrayList<>();
        data.tests().forEach((name, points) -> scores.add(judge.score(name, model, points)));
        return report(data, train, model, context, before, scores, NANOS * since(start));
      }
    }
  }

  private Context context() {
    Context.Builder builder = Context.builder().device(request.device()).threads(request.threads());
    return (request.budget() == null ? builder : builder.budget(request.budget())).build();
  }

  /** Trains to the end; returns the number of steps that were done before. */
  private long train(LabelTraining train, LabelModel model, Examples training, Progress progress) {
    CheckpointFile file =
        request.checkpoint() == null
            ? null
            : new CheckpointFile(request.checkpoint(), identity(training));
    if (file != null && file.exists() && !request.restart()) {
      file.load(train.state(), model);
    }
    long before = train.state().step;
    progress.expect((long) settings.epochs() * train.steps());
    progress.skip(before);
    progress.stage("training with " + settings.loss());
    while (!train.done()) {
      long start = System.nanoTime();
      boolean epochDone = train.step();
      stepNanos += since(start);
      progress.step();
      if (epochDone) {
        progress.stage(told(train.losses()));
      }
      if (file != null && (epochDone || isDue(train.state().step))) {
        file.save(train.state(), model);
      }
    }
    return before;
  }

  private boolean isDue(long step) {
    return request.checkpointEvery() > 0 && step % request.checkpointEvery() == 0;
  }

  private Map<String, String> identity(Examples training) {
    Map<String, String> identity = new LinkedHashMap<>(settings.identity());
    identity.put("--train", Long.toHexString(training.fingerprint()));
    return identity;
  }

  private String told(List<Double> losses) {
    return String.format(
        Locale.ROOT,
        "%s %d/%d  loss %.4f",
        settings.loss(),
        losses.size(),
        settings.epochs(),
        losses.get(losses.size() - 1));
  }

  private TrainReport report(
      TrainData data,
      LabelTraining train,
      LabelModel model,
      Context context,
      long before,
      List<LabelScores> scores,
      double seconds) {
    Examples training = data.training();
    int labelled =
        (int) IntStream.range(0, training.rows()).filter(r -> training.count(r) > 0).count();
    long taken = train.state().step - before;
    return new TrainReport(
        data.source(),
        labelled,
        training.rows() - labelled,
        training.labels().length,
        training.features().buckets(),
        training.labelCount(),
        settings,
        before,
        train.state().step,
        train.losses(),
        scores,
        seconds,
        taken == 0 ? null : MILLIS * stepNanos / taken,
        taken == 0 ? null : train.lossSeconds() / taken / 1e-3,
        model.bytes(),
        context.workspaceBytes(),
        ProcessMemory.peakResidentBytes());
  }

  private static long since(long start) {
    return System.nanoTime() - start;
  }
}
