package org.lossmith;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** The value types: element types, devices, losses. */
class ValuesTest {
  @Test
  void elementTypesHaveTheCodesOfDlpack() {
    assertType(DType.F32, 2, 32);
    assertType(DType.F64, 2, 64);
    assertType(DType.F16, 2, 16);
    assertType(DType.BF16, 4, 16);
    assertType(DType.U8, 1, 8);
    assertType(DType.I8, 0, 8);
    assertType(DType.I32, 0, 32);
    assertType(DType.I64, 0, 64);
    assertEquals(8, DType.values().length);
  }

  private static void assertType(DType type, int code, int bits) {
    assertEquals(code, type.code());
    assertEquals(bits, type.bits());
    assertEquals(bits / 8, type.bytes());
  }

  @Test
  void devicesPrintAsUsual() {
    assertEquals("cpu", Device.cpu().toString());
    assertEquals("cuda:1", Device.cuda(1).toString());
    assertEquals(1, Device.Type.CPU.code());
    assertEquals(2, Device.Type.CUDA.code());
    assertThrows(IllegalArgumentException.class, () -> Device.cuda(-1));
    assertThrows(IllegalArgumentException.class, () -> new Device(Device.Type.CPU, 1));
    assertThrows(IllegalArgumentException.class, () -> new Device(null, 0));
  }

  @Test
  void factoriesAreThePapersLosses() {
    double inf = Double.POSITIVE_INFINITY;
    assertEquals(
        new InfoNce(0.07, inf, 1, 0, 0, Reduction.MEAN, false, Plan.AUTO), InfoNce.of(0.07));
    assertEquals(
        new InfoNce(0.07, inf, 0.5, 0.5, 0, Reduction.MEAN, false, Plan.AUTO),
        InfoNce.symmetric(0.07));
    assertEquals(
        new Cwcl(0.07, inf, 1, 1, 0, Reduction.MEAN, false, true, Plan.AUTO), Cwcl.of(0.07));
  }

  @Test
  void withersChangeOneComponent() {
    assertEquals(
        new InfoNce(2, 3, 4, 5, 0.6, Reduction.SUM, true, Plan.STORE),
        InfoNce.of(1)
            .withTemperature(2)
            .withMaxScale(3)
            .withRowCoefficient(4)
            .withColumnCoefficient(5)
            .withLabelSmoothing(0.6)
            .withReduction(Reduction.SUM)
            .withNormalize(true)
            .withPlan(Plan.STORE));
    assertEquals(
        new Cwcl(2, 3, 4, 5, 0.6, Reduction.NONE, true, false, Plan.RECOMPUTE),
        Cwcl.of(1)
            .withTemperature(2)
            .withMaxScale(3)
            .withRowCoefficient(4)
            .withColumnCoefficient(5)
            .withLabelSmoothing(0.6)
            .withReduction(Reduction.NONE)
            .withNormalize(true)
            .withNormalizeReference(false)
            .withPlan(Plan.RECOMPUTE));
  }

  static Stream<Arguments> badHyperparameters() {
    double nan = Double.NaN;
    double inf = Double.POSITIVE_INFINITY;
    return Stream.of(
        bad("temperature", "0.0", () -> InfoNce.of(0)),
        bad("temperature", "-1.0", () -> Cwcl.of(-1)),
        bad("temperature", "NaN", () -> InfoNce.of(nan)),
        bad("temperature", "Infinity", () -> InfoNce.of(inf)),
        bad("maxScale", "0.0", () -> InfoNce.of(1).withMaxScale(0)),
        bad("maxScale", "NaN", () -> Cwcl.of(1).withMaxScale(nan)),
        bad("rowCoefficient", "-1.0", () -> InfoNce.of(1).withRowCoefficient(-1)),
        bad("rowCoefficient", "Infinity", () -> Cwcl.of(1).withRowCoefficient(inf)),
        bad("columnCoefficient", "-1.0", () -> InfoNce.of(1).withColumnCoefficient(-1)),
        bad("columnCoefficient", "NaN", () -> Cwcl.of(1).withColumnCoefficient(nan)),
        bad("labelSmoothing", "1.0", () -> InfoNce.of(1).withLabelSmoothing(1)),
        bad("labelSmoothing", "-0.1", () -> Cwcl.of(1).withLabelSmoothing(-0.1)),
        bad("reduction", "null", () -> InfoNce.of(1).withReduction(null)),
        bad("plan", "null", () -> Cwcl.of(1).withPlan(null)));
  }

  private static Arguments bad(String name, String got, Executable make) {
    return Arguments.of(name, got, make);
  }

  @ParameterizedTest
  @MethodSource("badHyperparameters")
  void badHyperparametersAreNamed(String name, String got, Executable make) {
    String message = assertThrows(IllegalArgumentException.class, make).getMessage();
    assertTrue(message.startsWith(name + ": expected "), message);
    assertTrue(message.endsWith(", got " + got), message);
  }
}
