package org.lossmith.cli.demo;

/**
 * How well the encoder did at a point of the training.
 *
 * @param step steps taken so far, 0 before the training
 * @param heldOut scores on held-out names
 * @param zeroShot scores on held-out languages
 */
record Checkpoint(int step, Scores heldOut, Scores zeroShot) {}
