package org.lossmith.cli.eval;

import java.nio.file.Path;
import java.util.Map;
import java.util.Set;
import org.lossmith.DType;
import org.lossmith.Device;

/**
 * An evaluation as asked for on the command line.
 *
 * @param inputs files by the name of the input
 * @param parameters every hyperparameter
 * @param given the hyperparameters that the user named
 * @param gradients files to write, by the name of the gradient
 * @param outputs further files to write, by the name of the output
 * @param rowLoss file to write the row losses to, or null
 * @param dtype type to compute in, or null for that of the files
 * @param budget workspace bytes, or null for the default
 * @param threads CPU threads, or null for all
 * @param repeat how often to compute, at least 1
 */
record EvalRequest(
    Operation operation,
    Map<String, Path> inputs,
    Map<String, Object> parameters,
    Set<String> given,
    Map<String, Path> gradients,
    Map<String, Path> outputs,
    Path rowLoss,
    Device device,
    DType dtype,
    Long budget,
    Integer threads,
    int repeat) {}
