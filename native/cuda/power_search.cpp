// Errors of a grid, and the search: the device chooses among the errors and makes the next grid, so
// that the host reads nothing. Groups are taken in blocks that fit the budget.
#include "core/context.h"
#include "cuda/power.h"
#include "cuda/power_search_kernels.h"
#include "cuda/state.h"
#include "engine/power_call.h"

namespace lossmith {
namespace cuda {
namespace {

// Memory that a call asks for, as long as the budget has it and its groups fill it.
constexpr std::int64_t kBlockBytes = std::int64_t{256} << 20;

template <class T>
T* numbers(const View& v) {
  return v.present() ? reinterpret_cast<T*>(v.data) : nullptr;
}

// What both calls have: a grid for all groups, and errors of a block of groups.
template <class A>
class GridRun {
 public:
  template <class Call>
  GridRun(const Call& call, std::int64_t steps, std::int64_t ratio_count, lsm_context_s& context)
      : context_(context), stream_(state_of(context).stream) {
    problem_.w = call.w;
    problem_.walk = GroupWalk::of(call.groups);
    problem_.scale = numbers<A>(call.scale);
    problem_.shift = numbers<A>(call.shift);
    problem_.positive = call.options.power.range == LSM_POWER_UNSIGNED;
    problem_.norm = call.options.norm;
    problem_.ratio_count = ratio_count;
    problem_.grids.steps = steps;
    problem_.grids.largest = power_largest(call.options.power.bits, call.options.power.range);
    plan_ = ErrorPlan(problem_.walk);
  }
  virtual ~GridRun() = default;

  void run() {
    const std::int64_t count = problem_.walk.count;
    if (count == 0) return;
    const std::int64_t most = std::min(context_.workspace.budget(), kBlockBytes);
    std::int64_t block = count;
    while (block > 1 && static_cast<std::int64_t>(bytes(block)) > most) block = (block + 1) / 2;
    expect_budget(context_.workspace, bytes(block));
    Carver carver(context_.workspace.block(bytes(block)));
    carve(carver, block);
    begin();
    for (std::int64_t first = 0; first < count; first += block) {
      problem_.first = first;
      problem_.groups = std::min(block, count - first);
      groups();
    }
  }

 protected:
  virtual void carve(Carver& carver, std::int64_t block) {
    problem_.grids.carve(carver, 1);
    ratios_ = carver.take<A>(problem_.ratio_count);
    if (plan_.pieces > 1) values_ = carver.take<double>(block * most_candidates() * plan_.pieces);
  }
  virtual std::int64_t most_candidates() const { return problem_.candidates(); }
  virtual void begin() = 0;
  virtual void groups() = 0;

  lsm_context_s& context_;
  const cudaStream_t stream_;
  ErrorProblem<A> problem_;
  ErrorPlan plan_;
  A* ratios_ = nullptr;
  double* values_ = nullptr;

 private:
  std::size_t bytes(std::int64_t block) {
    Carver measure(nullptr);
    carve(measure, block);
    return measure.used();
  }
};

template <class A>
class ErrorsRun : public GridRun<A> {
  using Base = GridRun<A>;

 public:
  ErrorsRun(const PowerErrorsCall& call, lsm_context_s& context)
      : Base(call, call.exponents.shape[0], call.ratios.present() ? call.ratios.shape[0] : 1,
             context),
        call_(call) {}

 protected:
  void begin() override {
    // The lists are read where they lie; a ratio of 1 is the first of a search without clipping.
    lsm_power_search_options one;
    lsm_power_search_defaults(&one);
    one.steps = 0;
    one.clips = 1;
    first_candidates(this->stream_, one, this->problem_.grids, this->ratios_);
    this->problem_.ratios = call_.ratios.present() ? numbers<A>(call_.ratios) : this->ratios_;
    this->problem_.grids.exponents = numbers<A>(call_.exponents);
    make_grids(this->stream_, this->problem_.grids, 1);
  }
  void groups() override {
    power_errors(
        this->stream_, this->problem_, this->plan_, this->values_,
        numbers<double>(call_.errors) + this->problem_.first * this->problem_.candidates());
  }

 private:
  const PowerErrorsCall& call_;
};

template <class A>
class SearchRun : public GridRun<A> {
  using Base = GridRun<A>;

 public:
  SearchRun(const PowerSearchCall& call, lsm_context_s& context)
      : Base(call, call.options.steps, call.options.clips, context), call_(call) {
    fine_.steps = math::kFineSteps;
    fine_.largest = this->problem_.grids.largest;
    fine_.per_group = true;
  }

 protected:
  void carve(Carver& carver, std::int64_t block) override {
    Base::carve(carver, block);
    errors_ = carver.take<double>(block * most_candidates());
    choices_ = carver.take<math::PowerChoice<A>>(block);
    if (call_.options.refinements > 0) fine_.carve(carver, block);
  }
  std::int64_t most_candidates() const override {
    return std::max<std::int64_t>(this->problem_.candidates(), math::kFineSteps);
  }
  void begin() override {
    first_candidates(this->stream_, call_.options, this->problem_.grids, this->ratios_);
    make_grids(this->stream_, this->problem_.grids, 1);
    this->problem_.ratios = this->ratios_;
  }
  void groups() override {
    const ErrorProblem<A>& coarse = this->problem_;
    power_errors(this->stream_, coarse, this->plan_, this->values_, errors_);
    choose_power(this->stream_, coarse, errors_, true, choices_);
    ErrorProblem<A> fine = coarse;
    fine.grids = fine_;
    fine.choices = choices_;
    fine.ratio_count = 1;
    double cell = math::first_cell(call_.options);
    for (int step = 0; step < call_.options.refinements; ++step, cell /= 4) {
      refine_power(this->stream_, call_.options, cell, choices_, fine.groups, fine_);
      make_grids(this->stream_, fine_, fine.groups);
      power_errors(this->stream_, fine, this->plan_, this->values_, errors_);
      choose_power(this->stream_, fine, errors_, false, choices_);
    }
    store_power_choices(this->stream_, coarse, choices_, call_);
  }

 private:
  const PowerSearchCall& call_;
  ExponentGrids<A> fine_;
  double* errors_ = nullptr;  // [block, candidates]
  math::PowerChoice<A>* choices_ = nullptr;
};

}  // namespace

void run_power_errors(const PowerErrorsCall& call, lsm_context_s& context) {
  if (call.w.type == Type::f64) {
    ErrorsRun<double>(call, context).run();
  } else {
    ErrorsRun<float>(call, context).run();
  }
}

void run_power_search(const PowerSearchCall& call, lsm_context_s& context) {
  if (call.w.type == Type::f64) {
    SearchRun<double>(call, context).run();
  } else {
    SearchRun<float>(call, context).run();
  }
}

}  // namespace cuda
}  // namespace lossmith
