/** Interleaved timing, statistics, floors and resident memory. */
package org.lossmith.bench.measure;
