package org.lossmith;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.lossmith.quantization.NetworkExponent;

/** One exponent for several tensors of a CUDA device: the one that the CPU finds. */
@CudaDevice.Required
class NetworkExponentCudaTest {
  private static NetworkExponent found(Device device) {
    PowerQuantizer quantizer = PowerQuantizer.of(3).withGroups(Groups.perChannel(0));
    NetworkExponent network =
        NetworkExponent.of(PowerSearch.of(quantizer).withGrid(4, 1).withClips(2, 0.1));
    try (Context context = Context.of(device);
        Tensor first = Tensor.of(device, DType.F32, PowerOracle.normals(24, 1), 2, 12);
        Tensor second = Tensor.of(device, DType.F32, PowerOracle.laplace(24, 2), 3, 2, 2, 2)) {
      double best = network.search(context, List.of(first, second));
      try (PowerParameters parameters = network.parameters(context, first)) {
        assertEquals(best, parameters.exponent().item());
        assertEquals(device, parameters.scale().device());
      }
    }
    return network;
  }

  @Test
  void theDeviceDoesNotMatter() {
    NetworkExponent expected = found(Device.cpu());
    NetworkExponent network = found(CudaDevice.first());
    assertEquals(expected.exponent(), network.exponent());
    assertArrayEquals(expected.exponents(), network.exponents());
    assertArrayEquals(expected.errors(), network.errors(), 1e-6 * expected.error());
  }
}
