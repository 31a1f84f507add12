/** Exact retrieval against the matrix product alone. */
package org.lossmith.bench.retrieval;
