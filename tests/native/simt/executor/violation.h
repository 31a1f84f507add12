// Broken rules: how the running thread reports one, and where the reports are kept.
#ifndef LOSSMITH_SIMT_EXECUTOR_VIOLATION_H_
#define LOSSMITH_SIMT_EXECUTOR_VIOLATION_H_

#include <string>

#include "simt/thread.h"

namespace lossmith {
namespace cuda {
namespace simt {

// Unwinds the stack of one thread of a launch that has failed. Not an error of its own.
struct Unwind {};

// "(x,y,z)"
std::string text_of(const uint3& v);
const char* name_of(Operation operation);
std::string text_of(const Place& place);  // "file:line" without folders

void keep_violation(const std::string& text);
bool take_violation(std::string* text);

}  // namespace simt
}  // namespace cuda
}  // namespace lossmith

#endif  // LOSSMITH_SIMT_EXECUTOR_VIOLATION_H_
