package org.lossmith.bench.measure;

import java.util.ArrayList;
import java.util.List;
import org.lossmith.Context;
import org.lossmith.DType;

/**
 * The compute floor of a similarity loss on n x n x d: its four products, as fast as oneDNN does
 * any product of these dimensions alone. The best of all shapes that an implementation could cut
 * the work into counts, so no choice of tiles can flatter the ratio.
 */
public final class GemmFloor implements Contestant {
  /** Products of size n x n x d that loss and both gradients need without storing the scores. */
  public static final int PRODUCTS = 4;

  private static final int REPEATS = 3;

  /** One product C[m,n] = A[m,k] B[n,k]^T. */
  public record Shape(long m, long n, long k) {}

  private final String name;
  private final Context context;
  private final DType dtype;
  private final double operations;
  private final Shape best;

  /** Tries all shapes once and keeps the best. */
  public GemmFloor(String name, Context context, DType dtype, long n, long d) {
    this.name = name;
    this.context = context;
    this.dtype = dtype;
    this.operations = PRODUCTS * 2.0 * n * n * d;
    Shape fastest = null;
    double fastestRate = 0;
    for (Shape shape : shapes(n, d)) {
      double rate = rate(shape);
      if (rate > fastestRate) {
        fastest = shape;
        fastestRate = rate;
      }
    }
    this.best = fastest;
  }

  private static List<Shape> shapes(long n, long d) {
    List<Shape> shapes = new ArrayList<>();
    for (long chunk = n; chunk >= Math.min(n, 256); chunk /= 2) {
      shapes.add(new Shape(chunk, n, d));
      shapes.add(new Shape(chunk, d, n));
      shapes.add(new Shape(n, d, chunk));
    }
    return shapes;
  }

  private double rate(Shape shape) {
    return context.measureGemm(dtype, shape.m(), shape.n(), shape.k(), REPEATS);
  }

  /** The shape that the floor is measured with. */
  public Shape best() {
    return best;
  }

  /** Operations of the four products. */
  public double operations() {
    return operations;
  }

  @Override
  public String name() {
    return name;
  }

  @Override
  public double round() {
    return operations / rate(best);
  }
}
