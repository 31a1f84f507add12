package org.lossmith.cli.demo;

import org.ejml.data.DMatrixRMaj;
import org.ejml.dense.row.CommonOps_DDRM;
import org.ejml.dense.row.SingularOps_DDRM;
import org.ejml.dense.row.factory.DecompositionFactory_DDRM;
import org.ejml.interfaces.decomposition.SingularValueDecomposition_F64;

/** The plane in which points spread most (principal component analysis). */
final class PrincipalAxes {
  private final double[] mean;
  private final double[][] axes;
  private final double explained;

  private PrincipalAxes(double[] mean, double[][] axes, double explained) {
    this.mean = mean;
    this.axes = axes;
    this.explained = explained;
  }

  /**
   * Finds the plane.
   *
   * @param points {@code [count, width]} in C order
   */
  static PrincipalAxes of(float[] points, int width) {
    int count = points.length / width;
    double[] mean = new double[width];
    for (int i = 0; i < points.length; i++) {
      mean[i % width] += points[i] / (double) count;
    }
    DMatrixRMaj centred = new DMatrixRMaj(count, width);
    for (int i = 0; i < points.length; i++) {
      centred.data[i] = points[i] - mean[i % width];
    }
    DMatrixRMaj covariance = new DMatrixRMaj(width, width);
    CommonOps_DDRM.multTransA(1.0 / count, centred, centred, covariance);
    SingularValueDecomposition_F64<DMatrixRMaj> svd =
        DecompositionFactory_DDRM.svd(width, width, true, false, false);
    if (!svd.decompose(covariance)) {
      throw new IllegalStateException("points: expected finite numbers, got some that are not");
    }
    DMatrixRMaj vectors = svd.getU(null, false);
    SingularOps_DDRM.descendingOrder(vectors, false, svd.getSingularValues(), width, null, false);
    double[] values = svd.getSingularValues();
    double total = 0;
    for (double value : values) {
      total += value;
    }
    double[][] axes = new double[2][width];
    for (int axis = 0; axis < 2; axis++) {
      for (int d = 0; d < width; d++) {
        axes[axis][d] = vectors.get(d, axis);
      }
      turn(axes[axis]);
    }
    return new PrincipalAxes(mean, axes, (values[0] + values[1]) / total);
  }

  /** Share of the points' variance that the plane shows. */
  double explained() {
    return explained;
  }

  /** Coordinates of a point, {@code points[row]}, along the first (0) or second (1) axis. */
  double coordinate(float[] points, int row, int axis) {
    double sum = 0;
    for (int d = 0; d < mean.length; d++) {
      sum += axes[axis][d] * (points[row * mean.length + d] - mean[d]);
    }
    return sum;
  }

  /** An axis has no sign: make its largest component positive, so that maps can be compared. */
  private static void turn(double[] axis) {
    double largest = 0;
    for (double value : axis) {
      largest = Math.abs(value) > Math.abs(largest) ? value : largest;
    }
    if (largest < 0) {
      for (int d = 0; d < axis.length; d++) {
        axis[d] = -axis[d];
      }
    }
  }
}
