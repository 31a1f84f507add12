package org.lossmith.cli.demo;

import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.lossmith.Context;
import org.lossmith.Device;
import org.lossmith.RankingMetrics;
import org.lossmith.cli.Progress;
import org.lossmith.cli.data.Examples;
import org.lossmith.cli.data.Name;
import org.lossmith.cli.data.NameExamples;
import org.lossmith.cli.train.Judge;
import org.lossmith.cli.train.LabelModel;
import org.lossmith.cli.train.LabelTraining;
import org.lossmith.cli.train.LossKind;
import org.lossmith.cli.train.TrainSettings;
import org.lossmith.cli.train.UpdateKind;

/**
 * Names of several entities as a problem of several labels: a name looks for all its entities. The
 * encoder of the names and the entities' vectors, which begin with the fixed embedding, are trained
 * with three losses from the same start on the same batches, and judged by the names of several
 * entities.
 */
final class SeveralEntities {
  private static final List<LossKind> LOSSES =
      List.of(LossKind.MULTILABEL_INFONCE, LossKind.DECOUPLED_SOFTMAX, LossKind.SOFT_TOPK);

  private final DemoData data;
  private final DemoSettings settings;
  private final Examples training;
  private final Examples trainedNames;
  private final Examples heldOutNames;

  /** Takes every second name of several entities out of the training: there are some hundred. */
  SeveralEntities(DemoData data, DemoSettings settings) {
    this.data = data;
    this.settings = settings;
    List<Name> several =
        data.names().names().stream().filter(n -> n.entities().size() > 1).toList();
    Set<Name> heldOut =
        IntStream.range(0, several.size())
            .filter(i -> i % 2 == 0)
            .mapToObj(several::get)
            .collect(Collectors.toSet());
    List<Name> trained =
        data.split().training().stream().filter(n -> !heldOut.contains(n)).toList();
    training = examples(trained);
    trainedNames = examples(trained.stream().filter(n -> n.entities().size() > 1).toList());
    heldOutNames = examples(several.stream().filter(heldOut::contains).toList());
  }

  /** Steps of all three trainings. */
  long steps() {
    int batch = settings.labelBatch();
    return (long) LOSSES.size() * settings.labelEpochs() * ((training.rows() + batch - 1) / batch);
  }

  /** Trains and judges. */
  List<SeveralReport> run(Progress progress) {
    List<SeveralReport> reports = new ArrayList<>();
    try (Context context = Context.builder().threads(settings.threads()).build()) {
      for (LossKind loss : LOSSES) {
        progress.stage("training with " + loss);
        reports.add(run(loss, context, progress));
      }
    }
    return reports;
  }

  private SeveralReport run(LossKind loss, Context context, Progress progress) {
    TrainSettings train =
        new TrainSettings(
            loss,
            UpdateKind.ADAGRAD,
            settings.labelEpochs(),
            settings.labelBatch(),
            settings.width(),
            settings.temperature(),
            true,
            settings.labelRate(),
            settings.labelRate(),
            SeveralReport.DEPTH,
            2,
            0,
            0,
            settings.seed());
    try (LabelModel model =
        new LabelModel(train, settings.buckets(), training.labelCount(), Device.cpu())) {
      model.labels(data.english());
      LabelTraining steps = new LabelTraining(training, train, model, context);
      long start = System.nanoTime();
      while (!steps.done()) {
        steps.step();
        progress.step();
      }
      double seconds = 1e-9 * (System.nanoTime() - start);
      RankingMetrics found =
          new Judge(training, train, context).metrics(model, heldOutNames, SeveralReport.DEEPEST);
      return SeveralReport.of(
          loss.toString(),
          found,
          Spread.of(model, trainedNames, settings.temperature()),
          Spread.of(model, heldOutNames, settings.temperature()),
          seconds / settings.labelEpochs(),
          steps.losses());
    }
  }

  private Examples examples(List<Name> names) {
    return NameExamples.of(names, settings.buckets(), data.names().entities().size());
  }

  /** How many names of several entities there are to train on. */
  int trained() {
    return trainedNames.rows();
  }

  /** How many there are to judge by. */
  int heldOut() {
    return heldOutNames.rows();
  }

  /** The mean number of entities of those. */
  double meanEntities() {
    return IntStream.range(0, heldOutNames.rows()).map(heldOutNames::count).average().orElse(0);
  }
}
