// Products with packed power codes in f64: plain loops, a reference for the other types.
#include "core/status.h"
#include "cpu/coded_rows.h"
#include "cpu/power_product.h"

namespace lossmith {

void run_power_product_f64(const PowerProductCall& call, lsm_context_s& context) {
  Carver sizes(nullptr);
  CodedRows<double>(call, sizes, 0, 1);
  sizes.take<double>(call.k);
  expect_budget(context.workspace, sizes.used());
  Carver carver(context.workspace.block(sizes.used()));
  CodedRows<double> rows(call, carver, 0, 1);
  double* row = carver.take<double>(call.k);
  for (std::int64_t n = 0; n < call.n; ++n) {
    rows.list(n, 0, call.k, row);
    const double scale = rows.outer_scale(n);
    const double bias = rows.bias(n);
    for (std::int64_t i = 0; i < call.m; ++i) {
      const double* x = call.x.row<const double>(i);
      double sum = 0;
      for (std::int64_t c = 0; c < call.k; ++c) sum += x[c] * row[c];
      const double value = sum * scale + bias;
      if (call.out.type == Type::f64) {
        call.out.row<double>(i)[n] = value;
      } else {
        call.out.row<float>(i)[n] = static_cast<float>(value);
      }
    }
  }
}

}  // namespace lossmith
