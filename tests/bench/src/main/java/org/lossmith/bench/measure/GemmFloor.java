package org.lossmith.bench.measure;

import org.lossmith.Context;
import org.lossmith.DType;

/**
 * The compute floor of a similarity loss on n x n x d that does not store the scores: its four
 * products alone, through oneDNN. The scores count twice (for the log-sum-exp and for the
 * gradient), each gradient once. All four are taken at the rate of the shape that oneDNN runs
 * fastest among them, whole or cut into blocks, so neither a choice of tiles nor a shape that suits
 * oneDNN badly flatters the ratio.
 */
public final class GemmFloor implements Contestant {
  /** Products of size n x n x d. */
  public static final int PRODUCTS = 4;

  /** Operations that a measurement takes at least, so that a small block is no matter of luck. */
  private static final double ENOUGH_OPERATIONS = 2e10;

  private static final int MIN_REPEATS = 3;
  private static final int MAX_REPEATS = 101;

  private static final long SMALLEST_BLOCK = 256;

  /** One product C[m,n] = A[m,k] B[n,k]^T, a chunk of a whole one. */
  public record Shape(long m, long n, long k) {}

  private final String name;
  private final Context context;
  private final DType dtype;
  private final double operations;
  private Shape best;

  /** Tries the products of all blocks once and keeps the fastest. */
  public GemmFloor(String name, Context context, DType dtype, long n, long d) {
    this.name = name;
    this.context = context;
    this.dtype = dtype;
    this.operations = 2.0 * n * n * d;
    double fastest = 0;
    // Blocks of both dimensions too: whole matrices with a power of two as stride are slower.
    for (long rows = n; rows >= Math.min(n, SMALLEST_BLOCK); rows /= 2) {
      for (long columns = n; columns >= Math.min(n, SMALLEST_BLOCK); columns /= 2) {
        for (Shape shape : new Shape[] {new Shape(rows, columns, d), new Shape(rows, d, columns)}) {
          double rate = rate(shape);
          if (rate > fastest) {
            best = shape;
            fastest = rate;
          }
        }
      }
    }
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
    return operations() / rate(best);
  }
}
