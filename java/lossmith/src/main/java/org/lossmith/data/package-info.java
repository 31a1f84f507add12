/**
 * Data sets for training against many labels, in the sparse text format of the extreme
 * classification repository (Bhatia et al.: The Extreme Classification Repository: Multi-label
 * Datasets and Code, 2016).
 *
 * <p>The first line is the header {@code points features labels}. Each further line is a point: its
 * labels, separated by commas, then its features with their values, each after one space. Ids start
 * at 0.
 *
 * <pre>{@code
 * 3 5000 100
 * 17,4 0:0.5 12:1.25
 *  3:1
 * 99
 * }</pre>
 *
 * <p>The second point has no labels: its line begins with the space before its first feature. The
 * third has no features. {@link org.lossmith.data.XmcReader} and {@link
 * org.lossmith.data.XmcWriter} hold one row at a time, so that files may be of any size; all counts
 * are 64-bit. Files whose name ends in {@code .gz} are compressed.
 *
 * <p>This package needs no native library.
 */
package org.lossmith.data;
