package org.lossmith.cli.onnx;

import ai.onnx.proto.OnnxMl.NodeProto;
import ai.onnx.proto.OnnxMl.TensorProto;

/**
 * A constant of a model that Conv, ConvTranspose, Gemm or MatMul multiplies with.
 *
 * @param name the name that nodes know it by
 * @param user the node that uses it first
 * @param input which of the inputs of that node it is
 * @param inBody whether that node is in the body of another one
 * @param channelAxis the axis whose indices are the outputs of that operator
 * @param tensor its elements
 */
public record OnnxWeight(
    String name, NodeProto user, int input, boolean inBody, int channelAxis, TensorProto tensor) {
  /** The operator that uses it first. */
  public String operator() {
    return user.getOpType();
  }

  /** The extents. */
  public long[] shape() {
    return tensor.getDimsList().stream().mapToLong(Long::longValue).toArray();
  }
}
