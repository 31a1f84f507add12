package org.lossmith.cli.demo;

/**
 * How well names find their entity among all entities.
 *
 * @param precisionAt1 share of the names whose nearest entity is right
 * @param precisionAt5 share of the names with a right one among the five nearest
 * @param meanReciprocalRank mean of 1 / rank of the nearest right entity
 */
record Scores(double precisionAt1, double precisionAt5, double meanReciprocalRank) {}
