package org.lossmith.bench.report;

import com.fasterxml.jackson.annotation.JsonInclude;
import org.lossmith.bench.measure.Samples;

/**
 * One line of a table: who did what, how fast, with how much memory. Null stands for "does not
 * apply" or "not measured" and is left out of the JSON.
 *
 * @param row name of the row of the suite
 * @param name unique within the row
 * @param provider lossmith, pytorch, pytorch-lean, floor
 * @param loss infonce, cwcl, softmax-ce, decoupled-softmax, soft-top-k
 * @param dtype f32, bf16
 * @param n rows; labels where the loss is one over labels
 * @param d width
 * @param plan what Lossmith did: store or recompute
 * @param budgetBytes workspace budget that Lossmith had
 * @param time seconds of one call with loss and both gradients
 * @param operationsPerSecond 8 n^2 d, over labels 6 b n d, over the median: the same numerator for
 *     everybody
 * @param floorRatio time of the products alone over time, round by round, median
 * @param workspaceBytes workspace that Lossmith's context held
 * @param extraBytes growth of resident memory over one call, in a process of its own
 */
@JsonInclude(JsonInclude.Include.NON_NULL)
public record Measurement(
    String row,
    String name,
    String provider,
    String loss,
    String dtype,
    Long n,
    Long d,
    String plan,
    Long budgetBytes,
    Samples time,
    Double operationsPerSecond,
    Double floorRatio,
    Long workspaceBytes,
    Long extraBytes) {}
