package org.lossmith.cli.demo;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import org.lossmith.cli.FailureException;
import org.lossmith.cli.Json;
import org.lossmith.cli.UsageException;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code demo}: trains on the names that every JDK carries. */
@Command(
    name = "demo",
    description = {
      "Learn to match names across languages, with InfoNCE and with CWCL.",
      "",
      "The data is the CLDR data of the running JDK: the names of countries, languages, currencies",
      "and time zones in some 210 languages. Modality U is a fixed embedding of the English name,",
      "modality V an n-gram encoder of the foreign name, trained with each loss from the same"
          + " start",
      "on the same batches. Both are judged by names kept out of the training, and by languages",
      "kept out of it. The same seed gives the same numbers.",
      "",
      "Then each name looks for all its entities: multi-label InfoNCE, decoupled softmax and soft",
      "top-k are compared on the names of several entities, entities' vectors trained, too.",
      "",
      "Last, the table of the InfoNCE encoder is rounded to 8, 4, 3 and 2 bits, by uniform and by",
      "power grids."
    },
    mixinStandardHelpOptions = true,
    sortOptions = false)
public final class DemoCommand implements Callable<Integer> {
  private static final int QUICK_EPOCHS = 2;
  private static final int QUICK_BATCH = 1024;
  private static final int QUICK_LABEL_EPOCHS = 2;
  private static final int QUICK_LABEL_BATCH = 512;
  private static final int QUICK_WIDTH = 64;
  private static final int QUICK_BUCKETS = 1 << 15;
  private static final double QUICK_LANGUAGES = 0.15;

  @Spec private CommandSpec spec;

  @Option(
      names = "--out",
      defaultValue = "lossmith-demo",
      paramLabel = "DIR",
      description = "Where plots and report.json go. Default: ./lossmith-demo.")
  private Path out;

  @Option(names = "--quick", description = "A small run of seconds, on a part of the languages.")
  private boolean quick;

  @Option(
      names = "--seed",
      defaultValue = "1",
      paramLabel = "NUMBER",
      description = "Seed of split, start and order. Default: 1.")
  private long seed;

  @Option(
      names = "--epochs",
      paramLabel = "COUNT",
      description = "Passes over the training pairs. Default: 4, quick 2.")
  private Integer epochs;

  @Option(
      names = "--batch",
      paramLabel = "COUNT",
      description = "Pairs in a step, N of the N x N scores. Default: 8192, quick 1024.")
  private Integer batch;

  @Option(
      names = "--temperature",
      defaultValue = "0.1",
      paramLabel = "NUMBER",
      description = "Divides the cosines. Default: 0.1.")
  private double temperature;

  @Option(
      names = "--rate",
      defaultValue = "0.002",
      paramLabel = "NUMBER",
      description = "Step size of Adagrad. Default: 0.002.")
  private double rate;

  @Option(
      names = "--threads",
      defaultValue = "0",
      paramLabel = "COUNT",
      description = "CPU threads of the losses. Default: all cores.")
  private int threads;

  @Option(names = "--quiet", description = "No progress on stderr.")
  private boolean quiet;

  @Option(names = "--json", description = "Print one JSON object.")
  private boolean json;

  @Override
  public Integer call() {
    checkPositive("--epochs", epochs);
    checkPositive("--batch", batch);
    try {
      DemoReport report = new Demo(settings(), out).run(quiet);
      String text = Json.write(report);
      Files.writeString(out.resolve(Demo.REPORT), text + "\n", StandardCharsets.UTF_8);
      spec.commandLine().getOut().println(json ? text : DemoText.of(report));
      return 0;
    } catch (IllegalArgumentException e) {
      // The library names the hyperparameter as the flag does.
      throw new UsageException("--" + e.getMessage());
    } catch (IOException e) {
      throw new FailureException("--out " + out + ": cannot write: " + e.getMessage(), e);
    }
  }

  private DemoSettings settings() {
    return new DemoSettings(
        seed,
        epochs != null ? epochs : quick ? QUICK_EPOCHS : DemoSettings.EPOCHS,
        batch != null ? batch : quick ? QUICK_BATCH : DemoSettings.BATCH,
        quick ? QUICK_WIDTH : DemoSettings.WIDTH,
        quick ? QUICK_BUCKETS : DemoSettings.BUCKETS,
        temperature,
        rate,
        quick ? QUICK_LABEL_EPOCHS : DemoSettings.LABEL_EPOCHS,
        quick ? QUICK_LABEL_BATCH : DemoSettings.LABEL_BATCH,
        DemoSettings.LABEL_RATE,
        quick ? QUICK_LANGUAGES : 1,
        threads);
  }

  private static void checkPositive(String flag, Integer value) {
    if (value != null && value < 1) {
      throw new UsageException(flag + ": expected at least 1, got " + value);
    }
  }
}
