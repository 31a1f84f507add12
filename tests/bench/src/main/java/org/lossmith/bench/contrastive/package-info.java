/** Rows of the contrastive losses: problems, providers, oracle. */
package org.lossmith.bench.contrastive;
