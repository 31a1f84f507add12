package org.lossmith.cli.quantize;

import org.lossmith.Context;
import org.lossmith.Device;
import org.lossmith.Tensor;
import org.lossmith.cli.quantize.FloatModel.Values;
import org.lossmith.quantization.Patches;
import org.lossmith.quantization.SecondMoments;

/** What calibration data leave of a layer: second moments of its inputs, and its outputs' size. */
final class LayerMoments implements AutoCloseable {
  private final LayerInput input;
  private final int samples;
  private final SecondMoments learned;
  private final SecondMoments heldOut;
  private double squares;
  private long outputs;
  private long outputRows;

  /**
   * Begins.
   *
   * @param layer the layer
   * @param samples positions to take of each image
   * @param holdsOut whether some data are only to judge by
   */
  LayerMoments(Layer layer, LayerInput input, int samples, boolean holdsOut) {
    this.input = input;
    this.samples = samples;
    learned = moments(layer);
    heldOut = holdsOut ? moments(layer) : null;
  }

  private SecondMoments moments(Layer layer) {
    return SecondMoments.ofGroups(Device.cpu(), input.groups(), layer.columns());
  }

  /** Bytes of a layer's moments. */
  static long bytes(Layer layer, LayerInput input, boolean holdsOut) {
    return (holdsOut ? 2L : 1L) * Float.BYTES * input.groups() * layer.columns() * layer.columns();
  }

  /**
   * Adds a batch.
   *
   * @param x inputs of the layer
   * @param y its outputs
   * @param judges whether the batch is only to judge by
   */
  void add(Context context, Values x, Values y, boolean judges) {
    SecondMoments target = judges ? heldOut : learned;
    if (input.isConvolution()) {
      long[] shape = input.imageShape(x.shape());
      Patches patches = input.patches(shape, samples);
      try (Tensor images = Tensor.of(x.elements(), shape)) {
        patches.add(context, target, images);
      }
    } else {
      long columns = target.columns();
      try (Tensor rows = Tensor.of(x.elements(), x.elements().length / columns, columns)) {
        target.add(context, rows);
      }
    }
    for (float value : y.elements()) {
      squares += (double) value * value;
    }
    outputs += y.elements().length;
    outputRows += y.elements().length / input.weight().shape()[input.weight().channelAxis()];
  }

  SecondMoments learned() {
    return learned;
  }

  /** Null if nothing is held out. */
  SecondMoments heldOut() {
    return heldOut;
  }

  /** The mean of the squared length of the outputs. */
  double outputSquares() {
    return outputs == 0 ? 0 : squares / outputRows;
  }

  @Override
  public void close() {
    learned.close();
    if (heldOut != null) {
      heldOut.close();
    }
  }
}
