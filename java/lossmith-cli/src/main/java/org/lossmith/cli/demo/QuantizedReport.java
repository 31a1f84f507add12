package org.lossmith.cli.demo;

/**
 * The encoder's table in few bits.
 *
 * @param bits of a number
 * @param exponent of the grid; 1 is uniform
 * @param bytes of codes, scales and exponent
 * @param heldOut how names are found with it, held-out names
 * @param zeroShot the same for names of held-out languages
 */
record QuantizedReport(int bits, double exponent, long bytes, Scores heldOut, Scores zeroShot) {}
