package org.lossmith.cli.demo;

/**
 * A pass over the training pairs.
 *
 * @param number from 1
 * @param loss mean loss of its steps
 * @param seconds time of its steps, without the judging
 * @param lossSeconds the part of that spent in loss and gradient
 */
record Epoch(int number, double loss, double seconds, double lossSeconds) {}
