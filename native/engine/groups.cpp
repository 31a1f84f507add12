#include "engine/groups.h"

#include <string>

#include "core/status.h"

namespace lossmith {
namespace {

bool is_rows(const View& v) { return v.ndim == 2 && (v.shape[1] <= 1 || v.strides[1] == 1); }

void expect_groups(const lsm_groups& groups, const View& shaped) {
  if (groups.columns < 0) reject("groups.columns", ">= 0", groups.columns);
  if (groups.columns > 0) {
    if (groups.axis != -1) reject("groups.axis", "-1 with groups of columns", groups.axis);
    if (shaped.ndim != 2) {
      reject("groups.columns", "0 unless the tensor is a matrix",
             std::to_string(groups.columns) + " for " + shape_text(shaped.shape, shaped.ndim));
    }
  }
  if (groups.axis < -1 || groups.axis >= shaped.ndim) {
    reject("groups.axis", "-1 to " + std::to_string(shaped.ndim - 1), groups.axis);
  }
}

}  // namespace

void expect_elements_in_order(const View& v, const char* name) {
  if (v.contiguous() || is_rows(v)) return;
  reject(name, "contiguous elements, or a matrix with contiguous rows",
         "strides " + shape_text(v.strides, v.ndim));
}

Groups groups_of(const lsm_groups& groups, const View& shaped, const char* name,
                 std::initializer_list<const View*> others) {
  if (shaped.ndim < 1) reject(name, "at least one dimension", "a scalar");
  expect_groups(groups, shaped);
  expect_elements_in_order(shaped, name);
  bool rows = groups.columns > 0 || !shaped.contiguous();
  for (const View* other : others) rows = rows || (other->present() && !other->contiguous());
  Groups g;
  g.lines = rows ? shaped.shape[0] : 1;
  g.width = rows ? shaped.shape[1] : shaped.elements();
  if (groups.columns > 0) {
    g.columns = groups.columns;
    g.per_line = g.width / g.columns + (g.width % g.columns != 0 ? 1 : 0);
    g.count = g.lines * g.per_line;
  } else if (groups.axis >= 0) {
    g.channels = g.count = shaped.shape[groups.axis];
    g.inner = 1;
    for (int i = groups.axis + 1; i < shaped.ndim; ++i) g.inner *= shaped.shape[i];
  } else {
    g.inner = shaped.elements();
  }
  return g;
}

void expect_parameters(const View& v, const char* name, const lsm_groups& groups,
                       const Groups& of) {
  const bool per_group = groups.columns > 0;
  const std::int64_t shape[] = {per_group ? of.lines : of.count, of.per_line};
  const int dimensions = per_group ? 2 : 1;
  bool same = v.ndim == dimensions;
  for (int i = 0; same && i < dimensions; ++i) same = v.shape[i] == shape[i];
  if (!same) reject(name, shape_text(shape, dimensions), shape_text(v.shape, v.ndim));
  if (!v.contiguous()) {
    reject(name, "contiguous elements", "strides " + shape_text(v.strides, v.ndim));
  }
}

}  // namespace lossmith
