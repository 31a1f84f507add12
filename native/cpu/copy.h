#ifndef LOSSMITH_CPU_COPY_H_
#define LOSSMITH_CPU_COPY_H_

#include "core/tensor.h"

namespace lossmith {

// Copies elements between views of one shape, converting floating types; integer types only to
// themselves. Throws before it writes.
void copy_elements(const View& source, const View& target, int threads);

}  // namespace lossmith

#endif  // LOSSMITH_CPU_COPY_H_
