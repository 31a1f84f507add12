/**
 * Benchmarks of Lossmith: a suite of rows, each of which checks that its providers agree and then
 * times them against each other and against the limits of the machine.
 */
package org.lossmith.bench;
