/** Rows of the losses over large sets of labels: problems, providers, oracle. */
package org.lossmith.bench.labels;
