package org.lossmith.cli.quantize;

/**
 * A weight of a model that can be quantized, seen as a matrix whose rows are channels.
 *
 * @param name its name in the model
 * @param operator what multiplies with it, or "tensor" where the model does not say
 * @param dtype its element type as the model spells it
 * @param shape its extents in the model
 * @param rows channels
 * @param columns elements of a channel
 * @param bytes what it takes in the model
 */
record Layer(
    String name, String operator, String dtype, long[] shape, long rows, long columns, long bytes) {
  long elements() {
    return rows * columns;
  }
}
