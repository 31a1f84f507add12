#include "cpu/gemm.h"

#include <atomic>
#include <cstring>
#include <dnnl.hpp>
#include <string>
#include <unordered_map>
#include <vector>

#include "core/status.h"
#include "cpu/isa.h"
#include "cpu/parallel.h"

namespace lossmith {
namespace {

const dnnl::engine& cpu_engine() {
  static const dnnl::engine engine(dnnl::engine::kind::cpu, 0);
  return engine;
}

// Reference arithmetic for f64: plain loops in a fixed order. oneDNN has no f64 on the CPU, and
// f64 serves as the oracle of the other types, not for speed.
void multiply_f64(const GemmShape& s, const double* a, const double* b, double* c) {
  for (std::int64_t i = 0; i < s.m; ++i) {
    double* row = c + i * s.ldc;
    if (!s.accumulate) {
      for (std::int64_t j = 0; j < s.n; ++j) row[j] = 0;
    }
    if (s.product == Product::nt) {
      for (std::int64_t j = 0; j < s.n; ++j) {
        double sum = 0;
        for (std::int64_t l = 0; l < s.k; ++l) sum += a[i * s.lda + l] * b[j * s.ldb + l];
        row[j] += sum;
      }
      continue;
    }
    for (std::int64_t l = 0; l < s.k; ++l) {
      const double v = s.product == Product::nn ? a[i * s.lda + l] : a[l * s.lda + i];
      const double* other = b + l * s.ldb;
      for (std::int64_t j = 0; j < s.n; ++j) row[j] += v * other[j];
    }
  }
}

struct Hash {
  std::size_t operator()(const GemmShape& s) const {
    std::uint64_t h = static_cast<std::uint64_t>(s.operand) * 31 +
                      static_cast<std::uint64_t>(s.product) * 7 + s.accumulate;
    for (std::int64_t v : {s.m, s.n, s.k, s.lda, s.ldb, s.ldc}) {
      h = (h ^ static_cast<std::uint64_t>(v)) * 0x9e3779b97f4a7c15ull;
      h ^= h >> 29;
    }
    return h;
  }
};

// Shapes vary with ragged edges only; a context that has seen this many is fed changing sizes.
constexpr std::size_t kMaxPlans = 256;

}  // namespace

class GemmPlan {
 public:
  GemmPlan(const GemmShape& shape, int threads, std::atomic<int>* failure)
      : shape_(shape), failure_(failure) {
    if (shape.operand == Type::f64) return;
    using dnnl::memory;
    const SerialRegion serial;  // the primitive plans its threads when it is created
    const auto type =
        shape.operand == Type::bf16 ? memory::data_type::bf16 : memory::data_type::f32;
    const bool ta = shape.product == Product::tn;
    const bool tb = shape.product == Product::nt;
    const memory::desc a({shape.m, shape.k}, type,
                         ta ? memory::dims{1, shape.lda} : memory::dims{shape.lda, 1});
    const memory::desc b({shape.k, shape.n}, type,
                         tb ? memory::dims{1, shape.ldb} : memory::dims{shape.ldb, 1});
    const memory::desc c({shape.m, shape.n}, memory::data_type::f32, memory::dims{shape.ldc, 1});
    dnnl::primitive_attr attributes;
    attributes.set_scratchpad_mode(dnnl::scratchpad_mode::user);
    if (shape.accumulate) {
      dnnl::post_ops sum;
      sum.append_sum(1.0f);
      attributes.set_post_ops(sum);
    }
    const dnnl::matmul::primitive_desc description(cpu_engine(), a, b, c, attributes);
    primitive_ = dnnl::matmul(description);
    scratch_bytes_ = description.scratchpad_desc().get_size();
    for (int t = 0; t < threads; ++t) {
      arguments_.emplace_back(a, b, c, description.scratchpad_desc());
    }
  }

  std::size_t scratch_bytes() const { return scratch_bytes_; }

  void run(int thread, const void* a, const void* b, void* c, void* scratch) const {
    if (shape_.operand == Type::f64) {
      multiply_f64(shape_, static_cast<const double*>(a), static_cast<const double*>(b),
                   static_cast<double*>(c));
      return;
    }
    const dnnl_status_t status =
        arguments_[static_cast<std::size_t>(thread)].execute(primitive_, a, b, c, scratch);
    if (status != dnnl_success) failure_->store(status, std::memory_order_relaxed);
  }

 private:
  // The memory objects of one thread, made once: executing allocates nothing.
  struct Arguments {
    Arguments(const dnnl::memory::desc& da, const dnnl::memory::desc& db,
              const dnnl::memory::desc& dc, const dnnl::memory::desc& ds)
        : stream(cpu_engine()),
          a(da, cpu_engine(), DNNL_MEMORY_NONE),
          b(db, cpu_engine(), DNNL_MEMORY_NONE),
          c(dc, cpu_engine(), DNNL_MEMORY_NONE),
          scratch(ds, cpu_engine(), DNNL_MEMORY_NONE) {}

    dnnl_status_t execute(const dnnl::matmul& primitive, const void* pa, const void* pb, void* pc,
                          void* ps) const {
      dnnl_memory_set_data_handle(a.get(), const_cast<void*>(pa));
      dnnl_memory_set_data_handle(b.get(), const_cast<void*>(pb));
      dnnl_memory_set_data_handle(c.get(), pc);
      dnnl_memory_set_data_handle(scratch.get(), ps);
      const dnnl_exec_arg_t list[] = {{DNNL_ARG_SRC, a.get()},
                                      {DNNL_ARG_WEIGHTS, b.get()},
                                      {DNNL_ARG_DST, c.get()},
                                      {DNNL_ARG_SCRATCHPAD, scratch.get()}};
      return dnnl_primitive_execute(primitive.get(), stream.get(), 4, list);
    }

    dnnl::stream stream;
    dnnl::memory a, b, c, scratch;
  };

  GemmShape shape_;
  std::atomic<int>* failure_;
  dnnl::matmul primitive_;
  std::size_t scratch_bytes_ = 0;
  std::vector<Arguments> arguments_;
};

struct Gemm::Cache {
  int threads;
  std::atomic<int> failure{0};
  std::unordered_map<GemmShape, std::unique_ptr<GemmPlan>, Hash> plans;
};

Gemm::Gemm(int threads) : cache_(std::make_unique<Cache>()) { cache_->threads = threads; }
Gemm::~Gemm() = default;

const GemmPlan* Gemm::plan(const GemmShape& shape) {
  const auto found = cache_->plans.find(shape);
  if (found != cache_->plans.end()) return found->second.get();
  try {
    auto made = std::make_unique<GemmPlan>(shape, cache_->threads, &cache_->failure);
    return (cache_->plans[shape] = std::move(made)).get();
  } catch (const dnnl::error& e) {
    throw Error(e.status == dnnl_out_of_memory ? LSM_OUT_OF_MEMORY : LSM_INTERNAL,
                std::string("oneDNN could not prepare a product: ") + e.what());
  }
}

void Gemm::forget_if_many() {
  if (cache_->plans.size() > kMaxPlans) cache_->plans.clear();
}

void Gemm::expect_success() {
  const int status = cache_->failure.exchange(0, std::memory_order_relaxed);
  if (status != dnnl_success) {
    throw Error(LSM_INTERNAL, "oneDNN could not run a product: status " + std::to_string(status));
  }
}

std::size_t Gemm::scratch_bytes(const GemmPlan* plan) { return plan->scratch_bytes(); }

void Gemm::run(const GemmPlan* plan, int thread, const void* a, const void* b, void* c,
               void* scratch) {
  plan->run(thread, a, b, c, scratch);
}

bool bf16_products() {
  // A lowered instruction set (LOSSMITH_ISA) widens too, so that tests reach that path anywhere.
  static const bool available =
      __builtin_cpu_supports("avx512bf16") && std::strcmp(kernels().isa, "avx512") == 0;
  return available;
}

}  // namespace lossmith
