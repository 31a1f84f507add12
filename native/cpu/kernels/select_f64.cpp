#include "cpu/kernels/select-inl.h"

namespace lossmith {
namespace {

struct Comparing : math::ScalarF64 {
  using M = bool;
  static M greater(V a, V b) { return a > b; }
  static M equal(V a, V b) { return a == b; }
  static M either(M a, M b) { return a || b; }
  static bool none(M m) { return !m; }
  static std::uint64_t bits(M m) { return m ? 1 : 0; }
};

}  // namespace

std::int64_t select_f64(SelectRow<double>& row) { return Select<Comparing, Comparing>::run(row); }

}  // namespace lossmith
