package org.lossmith.cli.quantize;

import ai.onnx.proto.OnnxMl.AttributeProto;
import ai.onnx.proto.OnnxMl.NodeProto;
import java.util.Optional;
import org.lossmith.cli.onnx.OnnxWeight;
import org.lossmith.quantization.Patches;

/**
 * What a weight is multiplied with when the model runs.
 *
 * @param weight the weight
 * @param name the tensor that it is multiplied with
 * @param output the tensor that comes out
 */
record LayerInput(OnnxWeight weight, String name, String output) {
  private static final int IMAGE_RANK = 4;
  private static final long SEED = 36;

  /**
   * The input of a weight. None for weights that calibration does not know how to see as linear
   * layers: of ConvTranspose, of convolutions in three dimensions, of batches of matrices, on the
   * left of a product, and of bodies.
   */
  static Optional<LayerInput> of(OnnxWeight weight) {
    NodeProto node = weight.user();
    int rank = weight.shape().length;
    boolean known =
        weight.input() == 1
            && !weight.inBody()
            && switch (node.getOpType()) {
              case "Conv" -> rank <= IMAGE_RANK;
              case "Gemm" -> integer(node, "transA", 0) == 0;
              case "MatMul" -> rank == 2;
              default -> false;
            };
    return known
        ? Optional.of(new LayerInput(weight, node.getInput(0), node.getOutput(0)))
        : Optional.empty();
  }

  boolean isConvolution() {
    return weight.operator().equals("Conv");
  }

  /** The groups of a convolution; 1 for other layers. */
  int groups() {
    return isConvolution() ? (int) integer(weight.user(), "group", 1) : 1;
  }

  /** The shape of an input as images; a convolution in one dimension has images of one row. */
  long[] imageShape(long[] shape) {
    return shape.length == IMAGE_RANK ? shape : new long[] {shape[0], shape[1], 1, shape[2]};
  }

  /**
   * The patches of a convolution.
   *
   * @param image shape of its input
   * @param samples positions to take of each image
   */
  Patches patches(long[] image, int samples) {
    long[] shape = weight.shape();
    boolean flat = shape.length < IMAGE_RANK;
    int[] kernel = {flat ? 1 : (int) shape[2], (int) shape[shape.length - 1]};
    int[] strides = pair("strides", flat);
    int[] dilations = pair("dilations", flat);
    int[] pads = pads(image, kernel, strides, dilations, flat);
    return Patches.of(kernel[0], kernel[1])
        .withStride(strides[0], strides[1])
        .withDilation(dilations[0], dilations[1])
        .withPadding(pads[0], pads[1], pads[2], pads[3])
        .withGroups(groups())
        .withSamples(samples, SEED);
  }

  private int[] pair(String name, boolean flat) {
    AttributeProto attribute = attribute(weight.user(), name);
    if (attribute == null) {
      return new int[] {1, 1};
    }
    return flat
        ? new int[] {1, (int) attribute.getInts(0)}
        : new int[] {(int) attribute.getInts(0), (int) attribute.getInts(1)};
  }

  /** Rows above, columns before, rows below, columns behind. */
  private int[] pads(long[] image, int[] kernel, int[] strides, int[] dilations, boolean flat) {
    AttributeProto automatic = attribute(weight.user(), "auto_pad");
    String word = automatic == null ? "NOTSET" : automatic.getS().toStringUtf8();
    if (word.startsWith("SAME")) {
      int[] pads = new int[4];
      for (int i = 0; i < 2; i++) {
        long extent = image[2 + i];
        long outputs = (extent + strides[i] - 1) / strides[i];
        long reach = (kernel[i] - 1L) * dilations[i] + 1;
        int all = (int) Math.max(0, (outputs - 1) * strides[i] + reach - extent);
        int less = all / 2;
        pads[i] = word.equals("SAME_LOWER") ? all - less : less;
        pads[2 + i] = all - pads[i];
      }
      return pads;
    }
    AttributeProto given = attribute(weight.user(), "pads");
    if (given == null || word.equals("VALID")) {
      return new int[4];
    }
    return flat
        ? new int[] {0, (int) given.getInts(0), 0, (int) given.getInts(1)}
        : given.getIntsList().stream().mapToInt(Long::intValue).toArray();
  }

  private static AttributeProto attribute(NodeProto node, String name) {
    return node.getAttributeList().stream()
        .filter(a -> a.getName().equals(name))
        .findFirst()
        .orElse(null);
  }

  private static long integer(NodeProto node, String name, long otherwise) {
    AttributeProto attribute = attribute(node, name);
    return attribute == null ? otherwise : attribute.getI();
  }
}
