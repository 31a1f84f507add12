package org.lossmith.bench.quantization;

/**
 * What a row of the operator does with a matrix of f32. Targets are for one scale and one exponent
 * for all.
 */
enum OperatorTask {
  /** Weights to packed codes. */
  ENCODE("encode", 0.8, 0) {
    @Override
    double bytes(long elements, int bits) {
      return elements * (4 + bits / 8.0);
    }
  },
  /** Packed codes to weights. */
  DECODE("decode", 0.8, 0) {
    @Override
    double bytes(long elements, int bits) {
      return ENCODE.bytes(elements, bits);
    }
  },
  /** Weights to what they are after quantization. */
  FORWARD("forward", 0.5, 25) {
    @Override
    double bytes(long elements, int bits) {
      return 8.0 * elements;
    }
  },
  /** The same, and the gradients of weights, scale and exponent. */
  BACKWARD("forward and backward", 0, 15) {
    @Override
    double bytes(long elements, int bits) {
      return 16.0 * elements;
    }
  };

  private final String title;
  private final double ofCopy;
  private final double ofTorch;

  OperatorTask(String title, double ofCopy, double ofTorch) {
    this.title = title;
    this.ofCopy = ofCopy;
    this.ofTorch = ofTorch;
  }

  /** Bytes that have to be read and written. */
  abstract double bytes(long elements, int bits);

  /** What it is called in results. */
  String title() {
    return title;
  }

  /** The part of the copy bandwidth that it should reach; 0: no target. */
  double ofCopy() {
    return ofCopy;
  }

  /** How many times as fast as PyTorch it should be; 0: no target. */
  double ofTorch() {
    return ofTorch;
  }
}
