package org.lossmith.cli.demo;

/**
 * A pass over the training pairs.
 *
 * @param number from 1; 0 is the state before training
 * @param loss mean loss of its steps, NaN for number 0
 * @param seconds time of its steps, without the judging
 * @param lossSeconds the part of that spent in loss and gradient
 * @param heldOut scores on held-out names afterwards
 * @param zeroShot scores on held-out languages afterwards
 */
record Epoch(
    int number, double loss, double seconds, double lossSeconds, Scores heldOut, Scores zeroShot) {}
