/** Rows of power quantization: the operator, the search for exponents, products with codes. */
package org.lossmith.bench.quantization;
