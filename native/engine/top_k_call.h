// One validated call of lsm_top_k: what every backend starts from.
#ifndef LOSSMITH_ENGINE_TOP_K_CALL_H_
#define LOSSMITH_ENGINE_TOP_K_CALL_H_

#include <algorithm>
#include <cstdint>

#include "core/tensor.h"
#include "lossmith/retrieval.h"

namespace lossmith {

// The pointers of the C call, by the names of the header.
struct TopKArguments {
  const lsm_top_k_options* options = nullptr;
  lsm_input x = nullptr, labels = nullptr, bias = nullptr;
  lsm_input excluded_offsets = nullptr, excluded_ids = nullptr;
  lsm_output scores = nullptr, ids = nullptr;
};

struct TopKCall {
  lsm_top_k_options options{};
  View x, labels;  // labels not present: x [n,l] holds the products
  View bias, excluded_offsets, excluded_ids;
  View scores, ids;

  std::int64_t n = 0, l = 0, d = 0;  // d = 0: given products

  bool given_products() const { return !labels.present(); }
  double scale() const { return 1.0 / options.temperature; }
  // How many of a row's candidates are ever needed.
  std::int64_t kept() const { return std::min(options.k, l); }
};

// Throws on the first argument that is not as the header demands. Offsets and ids are read on the
// CPU only. Writes nothing.
TopKCall validate(const TopKArguments& arguments, const lsm_device& device);

}  // namespace lossmith

#endif  // LOSSMITH_ENGINE_TOP_K_CALL_H_
