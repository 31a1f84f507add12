#include "cuda/power.h"

#include <algorithm>
#include <optional>

#include "core/context.h"
#include "cuda/power_kernels.h"
#include "cuda/state.h"

namespace lossmith {
namespace cuda {
namespace {

template <class A>
const A* numbers(const View& v) {
  return v.present() ? reinterpret_cast<const A*>(v.data) : nullptr;
}

// Rows [begin, begin + count) of a matrix or vector that has them; absent views stay.
View rows_from(const View& v, std::int64_t begin, std::int64_t count) {
  View part = v;
  if (!v.present()) return part;
  part.data += begin * v.strides[0] * bytes_of(v.type);
  part.shape[0] = count;
  return part;
}

// One launch of each kernel.
template <class A>
class PowerRun {
 public:
  PowerRun(const PowerCall& call, lsm_context_s& context)
      : call_(call), stream_(state_of(context).stream) {
    const View& shaped = call.task == PowerTask::dequantize ? call.out : call.w;
    // Packed rows begin at whole bytes.
    problem_.walk = call.codes.present() && call.options.packed != 0
                        ? GroupWalk::of_rows(call.groups, shaped.shape[0], shaped.shape[1])
                        : GroupWalk::of(call.groups);
    PowerParameters<A>& p = problem_.parameters;
    p.scale = numbers<A>(call.scale);
    p.exponent = numbers<A>(call.exponent);
    p.shift = numbers<A>(call.shift);
    p.exponent_per_group = call.exponent_per_group();
    p.largest = call.largest();
    p.positive = call.options.range == LSM_POWER_UNSIGNED;
    p.exact = call.options.gradient == LSM_GRADIENT_EXACT;
    if (call.grad_scale.present() || call.grad_exponent.present()) plan_.emplace(problem_.walk);
  }

  std::size_t bytes() {
    Carver measure(nullptr);
    carve(measure);
    return measure.used();
  }

  // The block has the bytes above.
  void run(char* block) {
    Carver carver(block);
    carve(carver);
    PowerParameters<A>& p = problem_.parameters;
    if (uses_tables()) {
      make_power_tables(stream_, p.exponent, call_.exponent.elements(), p.largest, p.tables);
    }
    if (problem_.walk.elements() > 0) elements();
    if (!plan_) return;
    const std::int64_t chunks = plan_->chunks.chunks();
    if (call_.grad_scale.present()) {
      sum_chunks(stream_, values_, plan_->chunks, scratch_, call_.grad_scale);
    }
    if (call_.grad_exponent.present()) {
      sum_chunks(stream_, values_ + chunks, plan_->chunks, scratch_, call_.grad_exponent);
    }
  }

 private:
  bool uses_tables() const {
    return call_.task != PowerTask::staircase && call_.task != PowerTask::latents;
  }

  void carve(Carver& carver) {
    if (uses_tables()) {
      problem_.parameters.tables.carve(
          carver, call_.exponent.elements(), problem_.parameters.largest,
          call_.task != PowerTask::dequantize, call_.upstream.present());
    }
    if (!plan_) return;
    values_ = carver.take<double>(2 * plan_->chunks.chunks());
    scratch_ = carver.take<double>(sum_scratch(plan_->chunks));
  }

  void elements() {
    const FoldPlan* plan = plan_ ? &*plan_ : nullptr;
    switch (call_.task) {
      case PowerTask::dequantize:
        return decode_power(stream_, call_, problem_);
      case PowerTask::latents:
        return latents_power(stream_, call_, problem_);
      case PowerTask::staircase:
        return stairs_power(stream_, call_, problem_, plan, values_);
      default:
        return quantize(plan);
    }
  }

  // Packed codes of groups that end between bytes are written by themselves, before the values may
  // take the place of the elements.
  void quantize(const FoldPlan* plan) {
    PowerCall call = call_;
    if (plan != nullptr && call.codes.present() && call.options.packed != 0 &&
        !packs_with_sums(problem_.walk, *plan)) {
      PowerCall codes = call;
      codes.out = codes.upstream = codes.grad_w = View{};
      quantize_power(stream_, codes, problem_, nullptr, nullptr);
      call.codes = View{};
    }
    quantize_power(stream_, call, problem_, plan, values_);
  }

  const PowerCall& call_;
  const cudaStream_t stream_;
  PowerProblem<A> problem_;
  std::optional<FoldPlan> plan_;
  double* values_ = nullptr;   // [2, chunks]
  double* scratch_ = nullptr;  // of sums
};

// Rows of the call with their own groups.
PowerCall rows_of_call(const PowerCall& call, std::int64_t begin, std::int64_t count) {
  PowerCall part = call;
  for (View* v : {&part.w, &part.codes, &part.upstream, &part.out, &part.grad_w}) {
    *v = rows_from(*v, begin, count);
  }
  for (View* v :
       {&part.scale, &part.exponent, &part.shift, &part.grad_scale, &part.grad_exponent}) {
    *v = rows_from(*v, begin, count);
  }
  Groups& g = part.groups;
  if (g.columns > 0) {
    g.count = count * g.per_line;
  } else {
    g.channels = g.count = count;
  }
  if (g.lines > 1 || g.columns > 0) {
    g.lines = count;
  } else {
    g.width = count * g.inner;
  }
  return part;
}

// Tables of exponents of many groups take more memory than their elements. Where groups lie in rows,
// the call goes through a block of rows after another.
template <class A>
void run_blocks(const PowerCall& call, lsm_context_s& context) {
  const std::size_t most = static_cast<std::size_t>(
      std::min<std::int64_t>(context.workspace.budget(), std::int64_t{256} << 20));
  std::size_t bytes = PowerRun<A>(call, context).bytes();
  const View& shaped = call.task == PowerTask::dequantize ? call.out : call.w;
  const std::int64_t rows = shaped.shape[0];
  const bool divides = call.exponent_per_group() && rows > 1 &&
                       (call.groups.columns > 0 || call.options.groups.axis == 0);
  std::int64_t block = rows;
  while (divides && bytes > most && block > 1) {
    block = (block + 1) / 2;
    bytes = PowerRun<A>(rows_of_call(call, 0, block), context).bytes();
  }
  expect_budget(context.workspace, bytes);
  char* memory = bytes > 0 ? context.workspace.block(bytes) : nullptr;
  if (block == rows) {
    PowerRun<A>(call, context).run(memory);
    return;
  }
  for (std::int64_t begin = 0; begin < rows; begin += block) {
    const PowerCall part = rows_of_call(call, begin, std::min(block, rows - begin));
    PowerRun<A>(part, context).run(memory);
  }
}

}  // namespace

void run_power(const PowerCall& call, lsm_context_s& context) {
  if (call.wide()) {
    run_blocks<double>(call, context);
  } else {
    run_blocks<float>(call, context);
  }
}

void run_power_scales(const PowerScalesCall& call, lsm_context_s& context) {
  const GroupWalk walk = GroupWalk::of(call.groups);
  const FoldPlan plan(walk);
  Carver measure(nullptr);
  measure.take<double>(2 * plan.chunks.chunks());
  expect_budget(context.workspace, measure.used());
  Carver carver(measure.used() > 0 ? context.workspace.block(measure.used()) : nullptr);
  double* values = carver.take<double>(2 * plan.chunks.chunks());
  extremes_power(state_of(context).stream, call, walk, plan, values);
}

}  // namespace cuda
}  // namespace lossmith
