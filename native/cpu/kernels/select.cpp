// Compiled once per instruction set; LSM_ISA names it.
#include "cpu/kernels/select-inl.h"
#include "cpu/kernels/vector.h"

namespace lossmith {
namespace {

template <class D>
struct Comparing : VectorOps<D> {
  using V = typename VectorOps<D>::V;
  using M = hn::Mask<D>;
  static M greater(V a, V b) { return hn::Gt(a, b); }
  static M equal(V a, V b) { return hn::Eq(a, b); }
  static M either(M a, M b) { return hn::Or(a, b); }
  static bool none(M m) { return hn::AllFalse(D(), m); }
  // Bit i says whether lane i is set.
  static std::uint64_t bits(M m) {
    std::uint8_t bytes[8] = {};
    hn::StoreMaskBits(D(), m, bytes);
    std::uint64_t word = 0;
    __builtin_memcpy(&word, bytes, sizeof word);
    return word;
  }
};

using Rows = Select<Comparing<hn::ScalableTag<float>>, Comparing<hn::CappedTag<float, 1>>>;

}  // namespace

namespace LSM_ISA {

extern const SelectKernels select_kernels;
const SelectKernels select_kernels = {Rows::run};

}  // namespace LSM_ISA
}  // namespace lossmith
