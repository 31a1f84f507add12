package org.lossmith.bench.measure;

import java.util.LinkedHashMap;
import java.util.Map;
import org.lossmith.Context;
import org.lossmith.DType;

/**
 * The compute floor of a similarity loss on n x n x d that does not store the scores: its four
 * products alone, through oneDNN. The scores count twice (for the log-sum-exp and for the
 * gradient), each gradient once. Every product is cut into chunks of the length that is fastest for
 * it alone, whatever an implementation does, so no choice of tiles flatters the ratio.
 */
public final class GemmFloor implements Contestant {
  /** Products of size n x n x d. */
  public static final int PRODUCTS = 4;

  private static final int REPEATS = 3;
  private static final long SMALLEST_CHUNK = 256;

  /** One product C[m,n] = A[m,k] B[n,k]^T, a chunk of a whole one. */
  public record Shape(long m, long n, long k) {}

  /** The kinds of products, with the dimension that is cut into chunks. */
  private enum Product {
    SCORES(2),
    GRAD_X(1),
    GRAD_Y(1);

    private final int times;

    Product(int times) {
      this.times = times;
    }

    Shape shape(long chunk, long n, long d) {
      return switch (this) {
        case SCORES -> new Shape(chunk, n, d);
        case GRAD_X -> new Shape(chunk, d, n);
        case GRAD_Y -> new Shape(n, d, chunk);
      };
    }
  }

  private final String name;
  private final Context context;
  private final DType dtype;
  private final double operations;
  private final Map<Product, Shape> best = new LinkedHashMap<>();

  /** Tries all chunk lengths once and keeps the best for each product. */
  public GemmFloor(String name, Context context, DType dtype, long n, long d) {
    this.name = name;
    this.context = context;
    this.dtype = dtype;
    this.operations = 2.0 * n * n * d;
    for (Product product : Product.values()) {
      double fastest = 0;
      for (long chunk = n; chunk >= Math.min(n, SMALLEST_CHUNK); chunk /= 2) {
        Shape shape = product.shape(chunk, n, d);
        double rate = rate(shape);
        if (rate > fastest) {
          best.put(product, shape);
          fastest = rate;
        }
      }
    }
  }

  private double rate(Shape shape) {
    return context.measureGemm(dtype, shape.m(), shape.n(), shape.k(), REPEATS);
  }

  /** The chunks that the floor is measured with, by product. */
  public Map<?, Shape> best() {
    return best;
  }

  /** Operations of the four products. */
  public double operations() {
    return PRODUCTS * operations;
  }

  @Override
  public String name() {
    return name;
  }

  @Override
  public double round() {
    double seconds = 0;
    for (Map.Entry<Product, Shape> entry : best.entrySet()) {
      seconds += entry.getKey().times * operations / rate(entry.getValue());
    }
    return seconds;
  }
}
