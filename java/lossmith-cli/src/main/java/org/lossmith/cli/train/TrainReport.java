package org.lossmith.cli.train;

import java.util.List;

/**
 * What a training reached, as it is written to JSON.
 *
 * @param source where the examples come from
 * @param trainingPoints points to train on that have a label
 * @param unlabelledPoints points without labels, which take no part
 * @param trainingPairs (point, label) pairs
 * @param continuedFrom steps that were done before this process; 0: it began
 * @param steps steps that are done
 * @param losses mean loss of each epoch
 * @param scores what the model is worth
 * @param seconds time of this process, with reading and judging
 * @param millisecondsPerStep mean time of a step in this process; null where it took none
 * @param lossMillisecondsPerStep the part of loss, gradient and the step of the labels
 * @param modelBytes encoder, labels and the states of their optimizers
 * @param workspaceBytes what the library held beside inputs and outputs
 * @param peakResident the most that the whole process held
 */
record TrainReport(
    String source,
    int trainingPoints,
    int unlabelledPoints,
    int trainingPairs,
    int features,
    int labels,
    TrainSettings settings,
    long continuedFrom,
    long steps,
    List<Double> losses,
    List<LabelScores> scores,
    double seconds,
    Double millisecondsPerStep,
    Double lossMillisecondsPerStep,
    long modelBytes,
    long workspaceBytes,
    long peakResident) {}
