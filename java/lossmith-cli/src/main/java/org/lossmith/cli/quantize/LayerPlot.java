package org.lossmith.cli.quantize;

/**
 * What the page draws of a weight.
 *
 * @param counts shares of the weights, each divided by its scale, in equal bins from -1 to 1
 * @param levels the grid that was chosen, divided by the scale
 * @param uniform a uniform grid of the same bits
 * @param exponents exponents that were tried for the plot
 * @param errors the squared error of each, relative to the sum of squares
 */
record LayerPlot(
    double[] counts, double[] levels, double[] uniform, double[] exponents, double[] errors) {}
