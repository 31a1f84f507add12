package org.lossmith.cli.demo;

import java.util.List;
import org.lossmith.cli.ProcessMemory;
import org.lossmith.cli.data.Kind;

/**
 * What the demo found, as it is written to JSON.
 *
 * @param data the names and the split
 * @param settings the hyperparameters, the same for all losses
 * @param batch pairs in a step: those of the settings, or fewer if there are fewer
 * @param steps steps of an epoch
 * @param losses what each loss reached
 * @param several what the losses over labels reached on names of several entities
 * @param quantized the table of the first loss's encoder in few bits
 * @param memory what was held and what was not
 * @param seconds time of the whole demo
 * @param javaVersion the JDK, whose CLDR version decides about the data
 * @param files what was drawn and written
 */
record DemoReport(
    Data data,
    DemoSettings settings,
    int batch,
    int steps,
    List<Loss> losses,
    Several several,
    Quantized quantized,
    Memory memory,
    double seconds,
    String javaVersion,
    List<String> files) {

  /**
   * The data.
   *
   * @param names distinct names
   * @param pairs distinct (name, entity) pairs
   * @param ambiguousNames names of several entities
   * @param trainingNames names to train on
   * @param heldOutNames names of the same languages to judge by
   * @param zeroShotNames names of other languages to judge by
   */
  record Data(
      int languages,
      int entities,
      int countries,
      int languageNames,
      int currencies,
      int timeZones,
      int names,
      int pairs,
      int ambiguousNames,
      int trainingNames,
      int trainingPairs,
      int heldOutNames,
      int zeroShotNames,
      List<String> heldOutLanguages) {
    static Data of(DemoData data) {
      return new Data(
          data.names().languages().size(),
          data.names().entities().size(),
          count(data, Kind.COUNTRY),
          count(data, Kind.LANGUAGE),
          count(data, Kind.CURRENCY),
          count(data, Kind.TIME_ZONE),
          data.names().names().size(),
          data.names().pairs(),
          data.names().ambiguousNames(),
          data.split().training().size(),
          data.pairNames().length,
          data.split().heldOut().size(),
          data.split().zeroShot().size(),
          data.split().heldOutLanguages());
    }

    private static int count(DemoData data, Kind kind) {
      return (int) data.names().entities().stream().filter(e -> e.kind() == kind).count();
    }
  }

  /**
   * What a loss reached.
   *
   * @param plan what the library did about the N x N scores
   * @param secondsPerEpoch median, without the judging
   * @param lossMillisecondsPerStep mean time of loss and gradient in the median epoch
   */
  record Loss(
      String name,
      Scores heldOut,
      Scores zeroShot,
      double secondsPerEpoch,
      double lossMillisecondsPerStep,
      String plan,
      long workspaceBytes,
      List<Epoch> epochs,
      List<Checkpoint> checkpoints) {}

  /**
   * Names of several entities.
   *
   * @param trainedNames how many were trained on
   * @param heldOutNames how many judge
   * @param meanEntities the mean number of entities of those
   * @param losses what each loss reached
   */
  record Several(
      int trainedNames, int heldOutNames, double meanEntities, List<SeveralReport> losses) {}

  /**
   * The table of an encoder in few bits.
   *
   * @param loss that the encoder was trained with
   * @param bytes of the table as it was trained
   * @param heldOut what it reaches on held-out names
   * @param zeroShot what it reaches on held-out languages
   * @param tables for each number of bits the uniform grid, then the power grid
   */
  record Quantized(
      String loss, long bytes, Scores heldOut, Scores zeroShot, List<QuantizedReport> tables) {
    static Quantized of(TrainingRun run, List<QuantizedReport> tables) {
      long bytes = (long) Float.BYTES * run.encoder().table().length;
      return new Quantized(run.name(), bytes, run.last().heldOut(), run.last().zeroShot(), tables);
    }

    QuantizedReport uniform(int bits) {
      return tables.stream().filter(t -> t.bits() == bits).findFirst().orElseThrow();
    }

    QuantizedReport power(int bits) {
      return tables.stream().filter(t -> t.bits() == bits).skip(1).findFirst().orElseThrow();
    }
  }

  /**
   * Memory in bytes.
   *
   * @param workspace the most that the library held beside inputs and outputs
   * @param encoder table and optimizer state
   * @param peakResident the most that the whole process held
   * @param oneMatrix an N x N matrix of f32
   * @param composedInfonce the matrices that the loss written with matrix operations keeps
   * @param composedCwcl the same for CWCL
   */
  record Memory(
      long workspace,
      long encoder,
      long peakResident,
      long oneMatrix,
      long composedInfonce,
      long composedCwcl) {
    /** Scores, softmax of the rows, softmax of the columns, gradient. */
    static final int INFONCE_MATRICES = 4;

    /** The same, the weights and the weights divided by their row sums. */
    static final int CWCL_MATRICES = 6;

    static Memory of(List<TrainingRun> runs, int batch) {
      long matrix = (long) Float.BYTES * batch * batch;
      return new Memory(
          runs.stream().mapToLong(TrainingRun::workspaceBytes).max().orElse(0),
          runs.get(0).encoder().bytes(),
          ProcessMemory.peakResidentBytes(),
          matrix,
          INFONCE_MATRICES * matrix,
          CWCL_MATRICES * matrix);
    }
  }
}
