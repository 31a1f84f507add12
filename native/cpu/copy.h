#ifndef LOSSMITH_CPU_COPY_H_
#define LOSSMITH_CPU_COPY_H_

#include "core/tensor.h"

namespace lossmith {

// Copies elements between copyable views (core/tensor.h), converting floating types.
void copy_elements(const View& source, const View& target, int threads);

}  // namespace lossmith

#endif  // LOSSMITH_CPU_COPY_H_
