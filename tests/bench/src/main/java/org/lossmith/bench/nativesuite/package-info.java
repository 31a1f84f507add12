/** The Google Benchmark suite on the C ABI, as a row. */
package org.lossmith.bench.nativesuite;
