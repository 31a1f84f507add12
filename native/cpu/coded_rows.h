// The packed rows of a product's weights, as its kernels take them: tables of values, and scales by
// unit of columns. One object for each thread.
#ifndef LOSSMITH_CPU_CODED_ROWS_H_
#define LOSSMITH_CPU_CODED_ROWS_H_

#include <algorithm>
#include <cstdint>

#include "core/tensor.h"
#include "core/workspace.h"
#include "cpu/kernels/power_product.h"
#include "engine/power_call.h"
#include "engine/power_product_call.h"
#include "math/power.h"

namespace lossmith {

constexpr int kMostFields = 256;
// Rows of which the scales can be held together.
constexpr int kRowsAtOnce = 2;

// The values of an exponent by field, in units of the scale; codes beyond Q are Q.
template <class A>
void values_by_field(int bits, double exponent, A* values) {
  const int field = power_field_bits(bits);
  const int largest = power_largest(bits, LSM_POWER_SIGNED);
  const int sign = 1 << (field - 1);
  for (int magnitude = 0; magnitude < sign; ++magnitude) {
    const A level = math::power_level<A>(std::min(magnitude, largest), largest, exponent);
    values[magnitude] = level;
    values[sign + magnitude] = magnitude == 0 ? A{0} : -level;
  }
}

// Field `index` of a packed row of `bytes` bytes.
inline int packed_field(const std::uint8_t* row, std::int64_t bytes, int width,
                        std::int64_t index) {
  const std::int64_t bit = index * width;
  const std::int64_t byte = bit / 8;
  int bits = row[byte];
  if (bit % 8 + width > 8 && byte + 1 < bytes) bits |= row[byte + 1] << 8;
  return bits >> (bit % 8) & ((1 << width) - 1);
}

template <class A>
class CodedRows {
 public:
  // Its memory is a piece of the call's workspace. `length`: the row's, in whole blocks of codes.
  CodedRows(const PowerProductCall& call, Carver& carver, std::int64_t length, std::int64_t block)
      : call_(call),
        block_(block),
        width_(power_field_bits(call.options.bits)),
        bytes_(call.codes.shape[1]),
        units_(length / kCodeUnit),
        values_(carver.take<A>(kMostFields)),
        scales_(carver.take<A>(kRowsAtOnce * (units_ + kScalesBehind))) {}

  bool grouped() const { return call_.groups.columns > 0; }
  bool exponent_per_group() const { return call_.exponent.elements() > 1; }
  // Whether a row has one table, and each of its units one scale: what the kernels can take.
  bool regular() const {
    return !grouped() || (call_.groups.columns % kCodeUnit == 0 && !exponent_per_group());
  }
  // Whether row n has the table of row n - 1.
  bool shares_table() const { return !exponent_per_group(); }

  const std::uint8_t* codes(std::int64_t n) const {
    return call_.codes.template row<const std::uint8_t>(n);
  }
  std::int64_t bytes() const { return bytes_; }

  // What the sum of row n is still to be multiplied by.
  A outer_scale(std::int64_t n) const { return grouped() ? A{1} : scale_of(group(n, 0)); }
  A bias(std::int64_t n) const {
    return call_.bias.present() ? static_cast<A>(element(call_.bias, n)) : A{0};
  }

  const A* values(std::int64_t group) {
    const double exponent = parameter(call_.exponent, exponent_per_group() ? group : 0);
    if (exponent != exponent_) values_by_field(call_.options.bits, exponent, values_);
    exponent_ = exponent;
    return values_;
  }

  // A regular row. `slot` tells rows apart that are looked at together.
  CodedRow row(std::int64_t n, int slot) {
    CodedRow row{codes(n), values(group(n, 0)), nullptr, 0};
    if (!grouped()) return row;
    const A* own = reinterpret_cast<const A*>(call_.scale.data) + group(n, 0);
    const std::int64_t columns = call_.groups.columns;
    row.group = columns % block_ == 0 ? columns / block_ : 0;
    row.scales = row.group > 0 ? own : scales_by_unit(own, slot);
    return row;
  }

  // Columns [begin, end) of row n, in order, with their scales.
  void list(std::int64_t n, std::int64_t begin, std::int64_t end, A* to) {
    const std::uint8_t* row = codes(n);
    const std::int64_t columns = grouped() ? call_.groups.columns : call_.k;
    for (std::int64_t stop = begin; begin < end; begin = stop) {
      stop = std::min(end, (begin / columns + 1) * columns);
      const std::int64_t own = group(n, begin);
      const A* by_field = values(own);
      const A scale = grouped() ? scale_of(own) : A{1};
      for (std::int64_t c = begin; c < stop; ++c) {
        *to++ = by_field[packed_field(row, bytes_, width_, c)] * scale;
      }
    }
  }

 private:
  std::int64_t group(std::int64_t n, std::int64_t column) const {
    return call_.groups.group_of(n * call_.k + column);
  }
  const A* scales_by_unit(const A* own, int slot) {
    A* room = scales_ + slot * (units_ + kScalesBehind);
    const A* last = own + call_.groups.per_line - 1;
    const std::int64_t units = call_.groups.columns / kCodeUnit;
    // Units behind the last group have its scale.
    std::int64_t left = units;
    for (std::int64_t u = 0; u < units_; ++u) {
      room[u] = *own;
      if (--left == 0 && own < last) {
        ++own;
        left = units;
      }
    }
    return room;
  }
  static double parameter(const View& v, std::int64_t i) {
    return v.type == Type::f64 ? reinterpret_cast<const double*>(v.data)[i]
                               : reinterpret_cast<const float*>(v.data)[i];
  }
  A scale_of(std::int64_t group) const { return static_cast<A>(parameter(call_.scale, group)); }

  const PowerProductCall& call_;
  std::int64_t block_;
  int width_;
  std::int64_t bytes_;
  std::int64_t units_;
  A* values_;
  A* scales_;
  double exponent_ = 0;  // of values_; none is 0
};

}  // namespace lossmith

#endif  // LOSSMITH_CPU_CODED_ROWS_H_
