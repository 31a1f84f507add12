package org.lossmith.cli.onnx;

import ai.onnx.proto.OnnxMl.TensorProto;

/**
 * A constant of a model that Conv, ConvTranspose, Gemm or MatMul multiplies with.
 *
 * @param name the name that nodes know it by
 * @param operator the operator that uses it first
 * @param channelAxis the axis whose indices are the outputs of that operator
 * @param tensor its elements
 */
public record OnnxWeight(String name, String operator, int channelAxis, TensorProto tensor) {
  /** The extents. */
  public long[] shape() {
    return tensor.getDimsList().stream().mapToLong(Long::longValue).toArray();
  }
}
