package org.lossmith.cli.onnx;

/**
 * A weight as codes, ready to be written: a matrix [rows, columns] whose rows are channels, and
 * what makes values of them.
 *
 * <p>A value is {@code scale * level + shift}, where level is that of its field or, with powers,
 * {@code sign(level) * |level| ^ power}. Scale, shift and powers belong to all elements (one
 * value), to a row (as many as rows) or to groups of consecutive columns of a row ([rows,
 * ceil(columns / group)]).
 *
 * @param bits of a field: 2, 3, 4 or 8
 * @param fields a byte for each element in C order, less than 2^bits
 * @param levels what fields stand for, 2^bits of them
 * @param group columns of a group, or 0 if there are none
 * @param scale factors
 * @param shift what is added, or null
 * @param powers exponents of the levels, one or as many as scales, or null if levels are final
 */
public record CodedMatrix(
    int rows,
    int columns,
    int bits,
    byte[] fields,
    float[] levels,
    int group,
    float[] scale,
    float[] shift,
    float[] powers) {}
