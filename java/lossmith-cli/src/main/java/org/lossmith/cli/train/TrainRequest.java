package org.lossmith.cli.train;

import java.nio.file.Path;
import org.lossmith.Device;

/**
 * What the command line asks for.
 *
 * @param training file to train on; null: the names of the JDK
 * @param test file to judge by, with a file to train on
 * @param quick with names: a few languages only
 * @param checkpoint where the state is kept; null: nowhere
 * @param checkpointEvery steps between two writes beside the ends of epochs; 0: only those
 * @param restart whether to begin anew where there is a checkpoint
 * @param device where labels are kept and losses are computed
 * @param budget workspace in bytes; null: the default
 * @param threads CPU threads of the library, 0 = all
 * @param quiet no progress
 */
record TrainRequest(
    TrainSettings settings,
    Path training,
    Path test,
    boolean quick,
    Path checkpoint,
    int checkpointEvery,
    boolean restart,
    Device device,
    Long budget,
    int threads,
    boolean quiet) {}
