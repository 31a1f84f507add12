#include "cuda/measure.h"

#include <algorithm>
#include <chrono>
#include <vector>

#include "core/context.h"
#include "cuda/error.h"
#include "cuda/gemm.h"
#include "cuda/memory.h"
#include "cuda/state.h"

namespace lossmith {
namespace cuda {
namespace {

class Buffer {
 public:
  Buffer(int device, std::int64_t bytes)
      : pool_(pool_of(device)),
        bytes_(static_cast<std::size_t>(bytes)),
        data_(pool_.allocate(bytes_)) {}
  ~Buffer() { pool_.release(data_, bytes_); }
  Buffer(const Buffer&) = delete;
  Buffer& operator=(const Buffer&) = delete;
  char* data() const { return static_cast<char*>(data_); }

 private:
  DevicePool& pool_;
  std::size_t bytes_;
  void* data_;
};

// Numbers of both signs: a product of zeros draws less power and runs faster than any real one.
void fill(cudaStream_t stream, const Buffer& buffer, Type type, std::int64_t count) {
  const std::int64_t piece = std::min<std::int64_t>(count, 1 << 20);
  const std::size_t size = static_cast<std::size_t>(bytes_of(type));
  std::vector<char> values(static_cast<std::size_t>(piece) * size);
  for (std::int64_t i = 0; i < piece; ++i) {
    const float v = static_cast<float>(i * 7919 % 2003) / 1001.5f - 1.0f;
    if (type == Type::bf16) {
      reinterpret_cast<bfloat16*>(values.data())[i] = to_bfloat16(v);
    } else {
      reinterpret_cast<float*>(values.data())[i] = v;
    }
  }
  for (std::int64_t at = 0; at < count; at += piece) {
    check(cudaMemcpyAsync(buffer.data() + static_cast<std::size_t>(at) * size, values.data(),
                          static_cast<std::size_t>(std::min(piece, count - at)) * size,
                          cudaMemcpyDefault, stream),
          "cudaMemcpyAsync");
  }
  check_queued(cudaStreamSynchronize(stream), "filling the operands");
}

// Median time of one run. Runs are queued in batches long enough for the cost of waiting to
// vanish.
template <class Body>
double median_seconds(cudaStream_t stream, int repeats, Body&& body) {
  constexpr double kLongEnough = 2e-3;
  constexpr int kMostRuns = 1000;
  const auto seconds_of = [&](int runs) {
    const auto start = std::chrono::steady_clock::now();
    for (int i = 0; i < runs; ++i) body();
    check_queued(cudaStreamSynchronize(stream), "measuring");
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count() / runs;
  };
  seconds_of(1);  // warm up: the code is loaded
  const double once = std::max(seconds_of(1), kLongEnough / kMostRuns);
  const int runs = std::max(1, static_cast<int>(kLongEnough / once));
  std::vector<double> seconds;
  for (int i = 0; i < repeats; ++i) seconds.push_back(seconds_of(runs));
  std::nth_element(seconds.begin(), seconds.begin() + repeats / 2, seconds.end());
  return seconds[static_cast<std::size_t>(repeats / 2)];
}

}  // namespace

double measure_gemm(lsm_context_s& context, Type type, std::int64_t m, std::int64_t n,
                    std::int64_t k, int repeats) {
  CudaState& state = state_of(context);
  const int device = state.facts.index;
  const Buffer a(device, m * k * bytes_of(type));
  const Buffer b(device, n * k * bytes_of(type));
  const Buffer c(device, m * n * bytes_of(Type::f32));
  fill(state.stream, a, type, m * k);
  fill(state.stream, b, type, n * k);
  GemmCall call;
  call.operand = type;
  call.m = m;
  call.n = n;
  call.k = k;
  call.a = a.data();
  call.lda = k;
  call.b = b.data();
  call.ldb = k;
  call.c = c.data();
  call.ldc = n;
  const double seconds = median_seconds(state.stream, repeats, [&] { multiply(state, call); });
  return 2.0 * static_cast<double>(m) * static_cast<double>(n) * static_cast<double>(k) / seconds;
}

double measure_copy(lsm_context_s& context, std::int64_t bytes, int repeats) {
  const CudaState& state = state_of(context);
  const Buffer from(state.facts.index, bytes);
  const Buffer to(state.facts.index, bytes);
  const double seconds = median_seconds(state.stream, repeats, [&] {
    check(cudaMemcpyAsync(to.data(), from.data(), static_cast<std::size_t>(bytes),
                          cudaMemcpyDefault, state.stream),
          "cudaMemcpyAsync");
  });
  return 2.0 * static_cast<double>(bytes) / seconds;
}

}  // namespace cuda
}  // namespace lossmith
