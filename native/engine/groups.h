// Where the elements of a tensor lie and which parameters they have (lossmith/groups.h).
#ifndef LOSSMITH_ENGINE_GROUPS_H_
#define LOSSMITH_ENGINE_GROUPS_H_

#include <cstdint>
#include <initializer_list>

#include "core/host_device.h"
#include "core/tensor.h"
#include "lossmith/groups.h"

namespace lossmith {

// A tensor as lines of `width` contiguous elements; a contiguous tensor is one line, a matrix whose
// rows lie apart a line for each row. Element n in C order lies in line n / width.
//
// Its parameter: with columns > 0 (groups of columns; one line for each row) the group
// (n / width) * per_line + (n % width) / columns; else the channel (n / inner) % channels. Per
// tensor: one channel and inner = elements.
struct Groups {
  std::int64_t lines = 0;
  std::int64_t width = 0;
  std::int64_t columns = 0;
  std::int64_t per_line = 0;
  std::int64_t channels = 1;
  std::int64_t inner = 0;
  std::int64_t count = 1;  // of groups: the number of parameters

  std::int64_t elements() const { return lines * width; }
  LSM_HD std::int64_t group_of(std::int64_t n) const {
    if (columns > 0) return n / width * per_line + n % width / columns;
    return n / inner % channels;
  }
};

// The groups of `shaped`, a checked tensor of at least one dimension; throws, naming "groups.axis" or
// "groups.columns" or the tensor, where they do not fit it: elements must be contiguous, or rows of a
// matrix. Lines are the rows of a matrix where it has rows apart or any of `others` has: views of the
// same shape in the same call, absent ones do not count.
Groups groups_of(const lsm_groups& groups, const View& shaped, const char* name,
                 std::initializer_list<const View*> others = {});

// Throws unless the elements are contiguous, or rows of a matrix.
void expect_elements_in_order(const View& v, const char* name);

// The elements between two lines of a view of these groups' tensor.
inline std::int64_t line_stride(const Groups& g, const View& v) {
  return g.lines == 1 ? g.width : v.strides[0];
}

// Throws unless v has the shape of the parameters of `groups` over `shaped`: [1], [channels] or
// [rows, per_line], contiguous.
void expect_parameters(const View& v, const char* name, const lsm_groups& groups, const Groups& of);

}  // namespace lossmith

#endif  // LOSSMITH_ENGINE_GROUPS_H_
