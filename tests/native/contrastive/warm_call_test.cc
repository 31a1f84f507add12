// A warm call takes no memory: malloc is replaced by one that counts, for the whole process.
// oneDNN makes small, short-lived objects of its own for every product that it runs; f64 does
// without oneDNN and shows that nothing else allocates.
#include <gtest/gtest.h>
#include <malloc.h>

#include <atomic>
#include <cerrno>
#include <cstdlib>

#include "retrieval/search.h"
#include "support/call.h"
#include "support/context.h"
#include "support/label_call.h"

namespace {

std::atomic<bool> counting{false};
std::atomic<int64_t> allocations{0};
std::atomic<int64_t> live_bytes{0};
std::atomic<int64_t> peak_bytes{0};

void StartCounting() {
  allocations = live_bytes = peak_bytes = 0;
  counting = true;
}

void* Counted(void* block) {
  if (block == nullptr || !counting) return block;
  ++allocations;
  const int64_t live = live_bytes += static_cast<int64_t>(malloc_usable_size(block));
  int64_t peak = peak_bytes;
  while (peak < live && !peak_bytes.compare_exchange_weak(peak, live)) {
  }
  return block;
}

void Uncounted(void* block) {
  if (block != nullptr && counting) live_bytes -= static_cast<int64_t>(malloc_usable_size(block));
}

}  // namespace

extern "C" {

// The allocator of the C library under the names that it keeps for such replacements.
void* __libc_malloc(size_t size);
void* __libc_calloc(size_t count, size_t size);
void* __libc_realloc(void* block, size_t size);
void* __libc_memalign(size_t alignment, size_t size);
void __libc_free(void* block);

void* malloc(size_t size) { return Counted(__libc_malloc(size)); }
void* calloc(size_t count, size_t size) { return Counted(__libc_calloc(count, size)); }
void* realloc(void* block, size_t size) {
  Uncounted(block);
  return Counted(__libc_realloc(block, size));
}
void* memalign(size_t alignment, size_t size) { return Counted(__libc_memalign(alignment, size)); }
void* aligned_alloc(size_t alignment, size_t size) {
  return Counted(__libc_memalign(alignment, size));
}
int posix_memalign(void** block, size_t alignment, size_t size) {
  *block = Counted(__libc_memalign(alignment, size));
  return *block == nullptr ? ENOMEM : 0;
}
void free(void* block) {
  Uncounted(block);
  __libc_free(block);
}

}  // extern "C"

namespace lossmith_test {
namespace {

template <typename Call>
void RunWarm(Call call, lsm_context context) {
  for (int round = 0; round < 2; ++round) {
    ASSERT_EQ(call.Run(context), LSM_OK) << lsm_last_error();
  }
  StartCounting();
  const lsm_status status = call.Run(context);
  counting = false;
  EXPECT_EQ(status, LSM_OK);
}

std::vector<Problem> Problems() {
  Problem options = RandomCwcl(70, 80, 12, 5, 1);
  AddEveryOption(&options, 2);
  options.options.normalize = 1;
  Problem weights = RandomCwcl(70, 80, 12, 1, 3);
  weights.r = 0;
  weights.reference.clear();
  weights.reference_y.clear();
  weights.weights.assign(70 * 80, 0.5);
  return {RandomClip(64, 64, 64, 4), options, weights, RandomClip(1100, 1200, 16, 5)};
}

TEST(WarmCall, TheCounterSeesAllocationsOfTheLibrary) {
  StartCounting();
  { const Context context; }
  counting = false;
  EXPECT_GT(allocations, 0);
  EXPECT_GT(peak_bytes, 0);
}

TEST(WarmCall, AllocatesNothing) {
  for (int threads : {1, 2}) {
    const Context context(threads);
    for (const Problem& problem : Problems()) {
      RunWarm(Call(problem, Types{}), context);
      EXPECT_EQ(allocations, 0) << threads << " threads, n " << problem.n;
    }
  }
}

TEST(WarmCall, HoldsOnlyWhatOneDnnMakesForAProduct) {
  constexpr int64_t kForEachThread = 4096;
  for (int threads : {1, 2}) {
    const Context context(threads);
    for (DType dtype : {DType::kF32, DType::kBF16, DType::kF16}) {
      for (const Problem& problem : Problems()) {
        RunWarm(Call(problem, SingleTypes(dtype)), context);
        EXPECT_LE(peak_bytes, threads * kForEachThread) << Name(dtype) << ", n " << problem.n;
        EXPECT_EQ(live_bytes, 0) << Name(dtype) << ", n " << problem.n;
      }
    }
  }
}

// Every label loss, with every option, and with a fused step.
std::vector<labels::Call> LabelCalls(const labels::Types& types) {
  std::vector<labels::Call> calls;
  for (int32_t loss : labels::kLosses) {
    labels::Problem problem = labels::RandomProblem(loss, 110, 300, 12, 6);
    calls.emplace_back(problem, types);
    labels::AddEveryOption(&problem, 7);
    problem.options.normalize_labels = 1;
    calls.emplace_back(problem, types);
    calls.emplace_back(labels::AsProducts(problem), types);
    labels::Call step(problem, types, 1u << labels::kLoss | 1u << labels::kGradX);
    step.update.emplace();
    lsm_update_defaults(LSM_UPDATE_SGD, &*step.update);
    step.in_place = true;
    calls.push_back(step);
  }
  return calls;
}

TEST(WarmCall, OfALabelLossAllocatesNothing) {
  for (int threads : {1, 2}) {
    const Context context(threads);
    for (const labels::Call& call : LabelCalls(labels::Types{})) {
      RunWarm(call, context);
      EXPECT_EQ(allocations, 0) << labels::LossName(call.options.loss) << ", " << threads;
    }
  }
}

TEST(WarmCall, OfALabelLossHoldsOnlyWhatOneDnnMakesForAProduct) {
  constexpr int64_t kForEachThread = 4096;
  for (int threads : {1, 2}) {
    const Context context(threads);
    for (DType dtype : {DType::kF32, DType::kBF16}) {
      for (const labels::Call& call : LabelCalls(labels::SingleTypes(dtype))) {
        RunWarm(call, context);
        EXPECT_LE(peak_bytes, threads * kForEachThread) << labels::LossName(call.options.loss);
        EXPECT_EQ(live_bytes, 0) << labels::LossName(call.options.loss);
      }
    }
  }
}

TEST(WarmCall, OfASearchAllocatesNothing) {
  Random random(8);
  const int64_t n = 70, l = 17000, d = 3;  // enough labels for several tasks on one row
  Search search(DType::kF64, n, l, d, 40, random.Normals(n * d), random.Normals(l * d));
  search.options.normalize_labels = 1;
  search.bias.emplace(DType::kF32, std::vector<int64_t>{l}, random.Normals(l));
  search.Exclude(RandomSets(&random, n, l, 9), DType::kI32);
  for (int threads : {1, 2}) {
    const Context context(threads);
    RunWarm(search, context);
    EXPECT_EQ(allocations, 0) << threads << " threads";
  }
}

}  // namespace
}  // namespace lossmith_test
