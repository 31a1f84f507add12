package org.lossmith.bench.measure;

import java.util.List;
import org.lossmith.Context;
import org.lossmith.DType;

/**
 * The compute floor of a loss of n x m scores with embeddings of width d: its products alone,
 * through oneDNN. Contrastive losses count four, without storing the scores (the scores twice, for
 * the log-sum-exp and for the gradient, each gradient once), losses over labels three. All are
 * taken at the rate of the shape that oneDNN runs fastest among them, whole or cut into blocks, so
 * neither a choice of tiles nor a shape that suits oneDNN badly flatters the ratio.
 */
public final class GemmFloor implements Contestant {
  /** Products of a contrastive loss. */
  public static final int CONTRASTIVE = 4;

  /** Products of a loss over labels. */
  public static final int LABELS = 3;

  /** Operations that a measurement takes at least, so that a small block is no matter of luck. */
  private static final double ENOUGH_OPERATIONS = 2e10;

  private static final int MIN_REPEATS = 3;
  private static final int MAX_REPEATS = 101;

  private static final long SMALLEST_BLOCK = 256;

  /** The result of a larger block lies in no cache. */
  private static final long LARGEST_BLOCK = 16384;

  /** One product C[m,n] = A[m,k] B[n,k]^T, a chunk of a whole one. */
  public record Shape(long m, long n, long k) {}

  private final String name;
  private final Context context;
  private final DType dtype;
  private final double operations;
  private Shape best;

  /** Tries the products of all blocks once and keeps the fastest. */
  public GemmFloor(
      String name, Context context, DType dtype, int products, long n, long m, long d) {
    this.name = name;
    this.context = context;
    this.dtype = dtype;
    this.operations = products * 2.0 * n * m * d;
    double fastest = 0;
    // Blocks of both dimensions too: whole matrices with a power of two as stride are slower.
    for (long rows = n; rows >= Math.min(n, SMALLEST_BLOCK); rows /= 2) {
      for (long columns = Math.min(m, LARGEST_BLOCK);
          columns >= Math.min(m, SMALLEST_BLOCK);
          columns /= 2) {
        for (Shape shape : shapes(rows, columns, d, n == m)) {
          double rate = rate(shape);
          if (rate > fastest) {
            best = shape;
            fastest = rate;
          }
        }
      }
    }
  }

  /** Scores, gradient of the rows and, where that is another shape, gradient of the columns. */
  private static List<Shape> shapes(long rows, long columns, long d, boolean symmetric) {
    Shape scores = new Shape(rows, columns, d);
    Shape ofRows = new Shape(rows, d, columns);
    return symmetric
        ? List.of(scores, ofRows)
        : List.of(scores, ofRows, new Shape(columns, d, rows));
  }

  private double rate(Shape shape) {
    double block = 2.0 * shape.m() * shape.n() * shape.k();
    int repeats = (int) Math.min(MAX_REPEATS, Math.max(MIN_REPEATS, ENOUGH_OPERATIONS / block));
    return context.measureGemm(dtype, shape.m(), shape.n(), shape.k(), repeats);
  }

  /** The shape that the floor is measured with. */
  public Shape best() {
    return best;
  }

  /** Operations of the products. */
  public double operations() {
    return operations;
  }

  @Override
  public String name() {
    return name;
  }

  @Override
  public double round() {
    return operations() / rate(best);
  }
}
