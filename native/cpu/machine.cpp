#include "cpu/machine.h"

#include <algorithm>
#include <chrono>
#include <cstring>
#include <dnnl.hpp>
#include <memory>
#include <vector>

#include "core/memory.h"
#include "core/status.h"
#include "cpu/parallel.h"

namespace lossmith {
namespace {

struct Buffer {
  explicit Buffer(std::size_t size)
      : data(static_cast<char*>(allocate_zeroed(size))), bytes(size) {}
  ~Buffer() { release(data, bytes); }
  Buffer(const Buffer&) = delete;
  Buffer& operator=(const Buffer&) = delete;
  char* data;
  std::size_t bytes;
};

template <class Body>
double median_seconds(int repeats, Body&& body) {
  std::vector<double> seconds;
  body();  // warm up: page faults, code generation
  for (int i = 0; i < repeats; ++i) {
    const auto start = std::chrono::steady_clock::now();
    body();
    seconds.push_back(
        std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
  }
  std::nth_element(seconds.begin(), seconds.begin() + repeats / 2, seconds.end());
  return seconds[static_cast<std::size_t>(repeats / 2)];
}

}  // namespace

// The product as the library itself would run it, all threads in one call: what a user would
// get from oneDNN without knowing of tiles.
double measure_gemm(lsm_context_s& context, Type type, std::int64_t m, std::int64_t n,
                    std::int64_t k, int repeats) {
  using dnnl::memory;
  const std::size_t size = static_cast<std::size_t>(bytes_of(type));
  const Buffer a(static_cast<std::size_t>(m * k) * size);
  const Buffer b(static_cast<std::size_t>(n * k) * size);
  const Buffer c(static_cast<std::size_t>(m * n) * sizeof(float));
  const auto fill = [&](const Buffer& buffer, std::int64_t count) {
    for (std::int64_t i = 0; i < count; ++i) {
      const float v = static_cast<float>(i * 7919 % 2003) / 1001.5f - 1.0f;
      if (type == Type::bf16) {
        reinterpret_cast<bfloat16*>(buffer.data)[i] = to_bfloat16(v);
      } else {
        reinterpret_cast<float*>(buffer.data)[i] = v;
      }
    }
  };
  fill(a, m * k);
  fill(b, n * k);
  const int before = omp_get_max_threads();
  omp_set_num_threads(context.threads);
  double seconds = 0;
  try {
    const dnnl::engine engine(dnnl::engine::kind::cpu, 0);
    const auto operand = type == Type::bf16 ? memory::data_type::bf16 : memory::data_type::f32;
    const memory::desc da({m, k}, operand, memory::dims{k, 1});
    const memory::desc db({k, n}, operand, memory::dims{1, k});
    const memory::desc dc({m, n}, memory::data_type::f32, memory::dims{n, 1});
    const dnnl::matmul product(dnnl::matmul::primitive_desc(engine, da, db, dc));
    dnnl::stream stream(engine);
    const memory ma(da, engine, a.data), mb(db, engine, b.data), mc(dc, engine, c.data);
    seconds = median_seconds(repeats, [&] {
      product.execute(stream, {{DNNL_ARG_SRC, ma}, {DNNL_ARG_WEIGHTS, mb}, {DNNL_ARG_DST, mc}});
      stream.wait();
    });
  } catch (const dnnl::error& e) {
    omp_set_num_threads(before);
    throw Error(LSM_UNSUPPORTED, std::string("oneDNN could not run the product: ") + e.what());
  }
  omp_set_num_threads(before);
  return 2.0 * static_cast<double>(m) * static_cast<double>(n) * static_cast<double>(k) / seconds;
}

double measure_copy(lsm_context_s& context, std::int64_t bytes, int repeats) {
  const Buffer from(static_cast<std::size_t>(bytes));
  const Buffer to(static_cast<std::size_t>(bytes));
  std::memset(from.data, 1, from.bytes);
  const double seconds = median_seconds(repeats, [&] {
    parallel_ranges(context.threads, bytes, std::int64_t{1} << 20,
                    [&](std::int64_t begin, std::int64_t end, int) {
                      std::memcpy(to.data + begin, from.data + begin,
                                  static_cast<std::size_t>(end - begin));
                    });
  });
  return 2.0 * static_cast<double>(bytes) / seconds;
}

}  // namespace lossmith
