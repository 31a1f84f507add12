/** Proofs of the build: what the jars contain, what they need, and how they load. */
package org.lossmith.packaging;
