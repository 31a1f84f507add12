package org.lossmith.quantization;

import org.lossmith.Context;
import org.lossmith.DType;
import org.lossmith.MatrixProduct;
import org.lossmith.Tensor;

/**
 * The squared error of the outputs of a layer, from the second moments of its inputs. With D = W^ -
 * W [n,k], the inputs X of the float network and X^ of the quantized one, m rows of them,
 *
 * <pre>{@code
 * L = (1/m) |X^ W^^T - X W^T|^2 = (1/m) (<D, P + R> + |(X^ - X) W^T|^2)
 * P = D X^^T X^ + R       R = W (X^ - X)^T X^       dL/dW^ = (2/m) P
 * }</pre>
 *
 * <p>where R and the last square are 0 if X^ is X. Damping adds lambda times the mean of the
 * diagonal of X^^T X^ to the diagonal, so that what the inputs seen say nothing about stays near W.
 * The rows of W are divided among the groups of a convolution.
 */
final class LayerError implements AutoCloseable {
  private static final MatrixProduct PRODUCT = MatrixProduct.plain();
  private static final MatrixProduct ADD = new MatrixProduct(false, false, true);
  private static final int CHUNK = 1 << 16;

  /**
   * Values of L.
   *
   * @param damped what is minimised
   * @param plain without damping
   */
  record Values(double damped, double plain) {}

  private final Owned owned = new Owned();
  private final Context context;
  private final Tensor difference;
  private final Tensor slope;

  /** R; null where X^ is X. */
  private final Tensor shift;

  private final long rows;
  private final double constant;

  /** Views of D and P, and the moments, of each group. */
  private final Tensor[] differences;

  private final Tensor[] slopes;
  private final Tensor[] products;

  /** What was added to the diagonal in each group. */
  private final double[] damping;

  /**
   * An error function.
   *
   * @param weights W [n,k] F32
   * @param moments of the inputs
   * @param damping lambda
   * @param difference memory for D, [n,k]
   * @param slope memory for P, [n,k]
   */
  LayerError(
      Context context,
      Tensor weights,
      SecondMoments moments,
      double damping,
      Tensor difference,
      Tensor slope) {
    this.context = context;
    this.difference = difference;
    this.slope = slope;
    rows = moments.rows();
    int groups = moments.groups();
    differences = new Tensor[groups];
    slopes = new Tensor[groups];
    products = new Tensor[groups];
    this.damping = new double[groups];
    try {
      long n = weights.size(0) / groups;
      long k = moments.columns();
      Tensor all = damping == 0 ? moments.products() : owned.add(moments.products().to(DType.F32));
      for (int g = 0; g < groups; g++) {
        differences[g] = owned.add(difference.rows(g * n, (g + 1) * n));
        slopes[g] = owned.add(slope.rows(g * n, (g + 1) * n));
        products[g] = owned.add(all.rows(g * k, (g + 1) * k));
        if (damping > 0) {
          this.damping[g] = damp(products[g], damping);
        }
      }
      shift =
          moments.shifts() == null
              ? null
              : owned.add(Tensor.zeros(weights.device(), DType.F32, weights.shape()));
      constant = shift == null ? 0 : shifted(weights, moments, n, k);
    } catch (RuntimeException | Error e) {
      owned.close();
      throw e;
    }
  }

  /** Adds to a diagonal, and says how much. */
  private static double damp(Tensor products, double damping) {
    int k = Math.toIntExact(products.size(0));
    float[] diagonal = new float[k];
    float[] row = new float[k];
    double trace = 0;
    for (int i = 0; i < k; i++) {
      try (Tensor view = products.rows(i, i + 1)) {
        view.copyTo(row);
      }
      diagonal[i] = row[i];
      trace += row[i];
    }
    double added = damping * trace / k;
    for (int i = 0; i < k; i++) {
      try (Tensor view = products.rows(i, i + 1)) {
        view.copyTo(row);
        row[i] = (float) (diagonal[i] + added);
        view.copyFrom(row);
      }
    }
    return added;
  }

  /** Makes R, and returns |(X^ - X) W^T|^2. */
  private double shifted(Tensor weights, SecondMoments moments, long n, long k) {
    double square = 0;
    for (int g = 0; g < products.length; g++) {
      try (Tensor w = weights.rows(g * n, (g + 1) * n);
          Tensor r = shift.rows(g * n, (g + 1) * n);
          Tensor shifts = moments.shifts().rows(g * k, (g + 1) * k);
          Tensor squares = moments.differences().rows(g * k, (g + 1) * k)) {
        PRODUCT.multiply(context, w, shifts, r);
        PRODUCT.multiply(context, w, squares, slopes[g]);
        square += dot(slopes[g], w);
      }
    }
    return square;
  }

  /** Computes P for what the memory of D holds. */
  void evaluate() {
    if (shift != null) {
      context.copy(shift, slope);
    }
    MatrixProduct product = shift == null ? PRODUCT : ADD;
    for (int g = 0; g < products.length; g++) {
      product.multiply(context, differences[g], products[g], slopes[g]);
    }
  }

  /** The error at D and P. */
  Values values() {
    double sum = shift == null ? 0 : dot(difference, shift);
    double damped = 0;
    for (int g = 0; g < products.length; g++) {
      sum += dot(differences[g], slopes[g]);
      if (damping[g] > 0) {
        damped += damping[g] * dot(differences[g], differences[g]);
      }
    }
    // Rounding may leave an error of nothing just below nothing.
    double plain = Math.max(0, sum - damped + constant) / rows;
    return new Values(Double.isNaN(sum) ? Double.NaN : plain + damped / rows, plain);
  }

  /** The sum of products, in F64 and in the order of the elements. */
  private static double dot(Tensor a, Tensor b) {
    int width = Math.toIntExact(a.size(1));
    int step = (int) Math.max(1, Math.min(a.size(0), CHUNK / width));
    double sum = 0;
    for (long from = 0; from < a.size(0); from += step) {
      long to = Math.min(a.size(0), from + step);
      try (Tensor left = a.rows(from, to);
          Tensor right = b.rows(from, to)) {
        float[] x = left.toFloatArray();
        float[] y = right.toFloatArray();
        for (int i = 0; i < x.length; i++) {
          sum += (double) x[i] * y[i];
        }
      }
    }
    return sum;
  }

  @Override
  public void close() {
    owned.close();
  }
}
