// The memory of a label loss on a device: which tensors are used as they are, how many products are
// kept, and where everything lies in the workspace.
#ifndef LOSSMITH_CUDA_LABEL_LAYOUT_H_
#define LOSSMITH_CUDA_LABEL_LAYOUT_H_

#include <cstddef>

#include "cuda/label_state.h"

namespace lossmith {
namespace cuda {

// Decides sizes without touching data: the plan that the call asks for, within the budget of its
// context. Returns the bytes of workspace; throws LSM_BUDGET_TOO_SMALL.
template <class A>
std::size_t choose_label_layout(LabelState<A>& state);

// Lays everything out in a block of that size.
template <class A>
void carve_labels(LabelState<A>& state, char* block);

}  // namespace cuda
}  // namespace lossmith

#endif  // LOSSMITH_CUDA_LABEL_LAYOUT_H_
