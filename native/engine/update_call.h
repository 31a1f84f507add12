// Validated optimizer steps: what every backend starts from. The losses over labels hold an
// UpdateCall of their labels.
#ifndef LOSSMITH_ENGINE_UPDATE_CALL_H_
#define LOSSMITH_ENGINE_UPDATE_CALL_H_

#include <cstdint>

#include "core/tensor.h"
#include "lossmith/update.h"

namespace lossmith {

// The rule and the memory that it works on. weights is read, state read and written, new_weights
// written: the very memory of weights or disjoint from it.
struct UpdateCall {
  lsm_update_options options{};
  View weights, new_weights;  // [l,d]
  View state;                 // [l,d], [l,2d] for Adam; absent for SGD

  bool present() const { return new_weights.present(); }
  std::int64_t width() const { return weights.shape[1]; }
};

// Rows of a gradient, f32 or of the type of the weights, rows `ld` elements apart. Row i is that of
// row row_ids[i * row_id_stride] of the weights, or of row begin + i where row_ids is null.
struct GradientRows {
  const void* data = nullptr;
  Type type = Type::f32;
  std::int64_t ld = 0;
  std::int64_t count = 0;
  std::int64_t begin = 0;
  const std::int64_t* row_ids = nullptr;
  std::int64_t row_id_stride = 1;
};

// Whether both are views of the same elements in the same places: a step in place.
bool same_elements(const View& a, const View& b);

// Throws on options, a state or new_weights that do not fit `weights` [l,d], a checked matrix of
// floating type; the names are those of the caller's arguments. Where new_weights begins where
// weights does it must be the same matrix (a step in place); that outputs overlap nothing else is
// for expect_disjoint_outputs, which the caller calls with all its tensors.
void expect_update(const lsm_update_options& options, const View& weights, const View& state,
                   const View& new_weights, const char* weights_name, const char* state_name,
                   const char* new_weights_name);

struct UpdateStep {
  UpdateCall update;
  View gradient, row_ids;

  GradientRows rows() const;
};
UpdateStep validate_step(const lsm_update_options* options, lsm_input gradient, lsm_input row_ids,
                         lsm_input weights, lsm_output state, lsm_output new_weights,
                         const lsm_device& device);

// Of lsm_normalize_rows.
struct NormalizeCall {
  View x, out, norms;
};
NormalizeCall validate_normalize(lsm_input x, lsm_output out, lsm_output norms,
                                 const lsm_device& device);

}  // namespace lossmith

#endif  // LOSSMITH_ENGINE_UPDATE_CALL_H_
