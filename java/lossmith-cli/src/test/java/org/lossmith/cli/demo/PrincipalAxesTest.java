package org.lossmith.cli.demo;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.Random;
import org.junit.jupiter.api.Test;

class PrincipalAxesTest {
  @Test
  void findsThePlaneOfPointsThatLieInOne() {
    // Points 3 a u + b v + offset, u and v orthonormal in four dimensions.
    double[] u = {0.5, 0.5, 0.5, 0.5};
    double[] v = {0.5, -0.5, 0.5, -0.5};
    Random random = new Random(4);
    int count = 2000;
    float[] points = new float[4 * count];
    double[] along = new double[count];
    for (int i = 0; i < count; i++) {
      along[i] = 3 * random.nextGaussian();
      double across = random.nextGaussian();
      for (int d = 0; d < 4; d++) {
        points[4 * i + d] = (float) (along[i] * u[d] + across * v[d] + d);
      }
    }
    PrincipalAxes axes = PrincipalAxes.of(points, 4);
    assertEquals(1, axes.explained(), 1e-6);
    double correlation = 0;
    double square = 0;
    for (int i = 0; i < count; i++) {
      correlation += along[i] * axes.coordinate(points, i, 0);
      square += along[i] * along[i];
    }
    assertEquals(1, Math.abs(correlation) / square, 0.02);
  }
}
