package org.lossmith.bench.contrastive;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.lossmith.bench.provider.Agreement;
import org.lossmith.bench.provider.ElementType;
import org.lossmith.bench.provider.Provider;

/** The oracle against published values, and the PyTorch compositions against the oracle. */
class OracleTest {
  private static final Problem THREE =
      new Problem(
          ElementType.F32,
          3,
          2,
          0.5,
          new float[] {1, 0, 0.6f, 0.8f, -0.8f, 0.6f},
          new float[] {0.8f, 0.6f, 0, 1, -1, 0});

  /** Values computed in double precision from the definition, by an independent script. */
  @Test
  void cwclGivesTheGoldenValues() {
    try (Oracle oracle = new Oracle(LossKind.CWCL, THREE)) {
      oracle.run();
      assertEquals(1.6409053387365842, oracle.loss(), 1e-6);
      float[] gradX = {
        -0.162648089f, -0.2239434705f, 0.5014779677f, -0.0191556145f, 0.123104746f, 0.2999612415f
      };
      float[] gradY = {
        0.0743173618f, 0.429777462f, -0.5199962494f, -0.0932142239f, 0.0196989946f, -0.1312232521f
      };
      assertArrayEquals(gradX, oracle.gradX(), 1e-6f);
      assertArrayEquals(gradY, oracle.gradY(), 1e-6f);
    }
  }

  /** The symmetric loss does not care which modality comes first; its gradients change places. */
  @Test
  void infoNceIsSymmetric() {
    Problem swapped = new Problem(ElementType.F32, 3, 2, 0.5, THREE.y(), THREE.x());
    try (Oracle oracle = new Oracle(LossKind.INFONCE, THREE);
        Oracle mirrored = new Oracle(LossKind.INFONCE, swapped)) {
      oracle.run();
      mirrored.run();
      assertEquals(oracle.loss(), mirrored.loss(), 1e-14);
      assertArrayEquals(oracle.gradX(), mirrored.gradY(), 1e-7f);
      assertArrayEquals(oracle.gradY(), mirrored.gradX(), 1e-7f);
    }
  }

  @ParameterizedTest
  @EnumSource(ElementType.class)
  void everyCompositionAgreesWithTheOracle(ElementType type) {
    Problem problem = Problem.random(type, 65, 33, 7);
    for (LossKind loss : LossKind.values()) {
      try (Provider oracle = new Oracle(loss, problem)) {
        oracle.run();
        for (PyTorchProvider.Composition composition : PyTorchProvider.Composition.values()) {
          try (Provider provider = new PyTorchProvider(loss, composition, problem, 1)) {
            provider.run();
            Agreement agreement =
                Agreement.of(composition.name(), provider, "oracle", oracle, type);
            assertTrue(agreement.agrees(), agreement::toString);
          }
        }
      }
    }
  }

  /** A check that cannot fail would be none. */
  @Test
  void aWrongResultIsNoAgreement() {
    Problem problem = Problem.random(ElementType.F32, 17, 9, 7);
    try (Provider infoNce = new Oracle(LossKind.INFONCE, problem);
        Provider cwcl = new Oracle(LossKind.CWCL, problem)) {
      infoNce.run();
      cwcl.run();
      assertTrue(
          !Agreement.of("infonce", infoNce, "cwcl", cwcl, ElementType.F32).agrees(),
          "different losses must not agree");
    }
  }
}
