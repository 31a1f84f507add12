#include "cpu/update.h"

#include "cpu/isa.h"
#include "cpu/parallel.h"

namespace lossmith {
namespace {

// Elements that are worth a thread's while.
constexpr std::int64_t kGrain = 1 << 16;

std::int64_t rows_of_a_task(std::int64_t width) {
  return width < kGrain ? kGrain / (width > 0 ? width : 1) : 1;
}

int index_of(Type type) { return static_cast<int>(type); }
static_assert(static_cast<int>(Type::f32) == 0 && static_cast<int>(Type::f64) == 1 &&
                  static_cast<int>(Type::f16) == 2 && static_cast<int>(Type::bf16) == 3,
              "the kernels are listed in this order");

RawRows raw(const View& v) { return {v.data, v.strides[0]}; }

}  // namespace

void update_rows(const UpdateCall& call, const GradientRows& rows) {
  UpdateBlock block;
  block.options = &call.options;
  block.gradient = rows.data;
  block.gradient_ld = rows.ld;
  block.row_ids = rows.row_ids;
  block.row_id_stride = rows.row_id_stride;
  block.begin = rows.begin;
  block.count = rows.count;
  block.width = call.width();
  block.weights = raw(call.weights);
  block.state = raw(call.state);
  block.new_weights = raw(call.new_weights);
  kernels().update->step[index_of(call.weights.type)][rows.type == Type::f32 ? 0 : 1](block);
}

void run_update(const UpdateStep& step, lsm_context_s& context) {
  const GradientRows all = step.rows();
  parallel_ranges(context.threads, all.count, rows_of_a_task(step.update.width()),
                  [&](std::int64_t begin, std::int64_t end, int) {
                    GradientRows some = all;
                    some.data =
                        static_cast<const char*>(all.data) + begin * all.ld * bytes_of(all.type);
                    some.count = end - begin;
                    some.begin = all.begin + begin;
                    if (all.row_ids != nullptr) some.row_ids += begin * all.row_id_stride;
                    update_rows(step.update, some);
                  });
}

void normalize_rows(const NormalizeCall& call, lsm_context_s& context) {
  const std::int64_t width = call.x.shape[1];
  const UpdateKernels::Normalize normalize =
      kernels().update->normalize[index_of(call.x.type)][index_of(call.out.type)];
  parallel_ranges(context.threads, call.x.shape[0], rows_of_a_task(width),
                  [&](std::int64_t begin, std::int64_t end, int) {
                    for (std::int64_t i = begin; i < end; ++i) {
                      const double norm = normalize(
                          call.x.data + i * call.x.strides[0] * bytes_of(call.x.type),
                          call.out.data + i * call.out.strides[0] * bytes_of(call.out.type), width);
                      if (call.norms.present()) set_element(call.norms, i, norm);
                    }
                  });
}

}  // namespace lossmith
