/** What all losses share: providers, their agreement, element types, PyTorch. */
package org.lossmith.bench.provider;
