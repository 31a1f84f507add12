#include "lossmith/context.h"

#include "core/context.h"
#include "core/status.h"
#include "engine/backend.h"

using lossmith::guard;
using lossmith::Lease;
using lossmith::reject;

extern "C" lsm_status lsm_context_create(const lsm_context_options* options, lsm_context* context) {
  return guard([&] {
    if (context == nullptr) reject("context", "a place for the handle", "NULL");
    *context = new lsm_context_s(options != nullptr ? *options : lsm_context_options{});
  });
}

extern "C" lsm_status lsm_context_destroy(lsm_context context) {
  return guard([&] { delete context; });
}

extern "C" lsm_status lsm_context_set_budget(lsm_context context, int64_t budget) {
  return guard([&] {
    const Lease lease(context);
    if (budget <= 0) reject("budget", "bytes > 0", budget);
    lease->workspace.set_budget(budget);
  });
}

extern "C" int64_t lsm_context_workspace_bytes(lsm_context context) {
  int64_t bytes = 0;
  guard([&] { bytes = Lease(context)->workspace.bytes(); });
  return bytes;
}

extern "C" lsm_status lsm_context_synchronize(lsm_context context) {
  return guard([&] {
    const Lease lease(context);
    lease->backend.synchronize(*lease);
  });
}

extern "C" int32_t lsm_context_threads(lsm_context context) {
  return context == nullptr ? 0 : context->threads;
}

extern "C" int64_t lsm_context_stream(lsm_context context) {
  return context == nullptr ? 0 : context->backend.stream(*context);
}

extern "C" lsm_status lsm_measure_gemm(lsm_context context, uint8_t code, uint8_t bits, int64_t m,
                                       int64_t n, int64_t k, int32_t repeats, double* rate) {
  return guard([&] {
    const Lease lease(context);
    const lossmith::Type type = lossmith::type_of({code, bits, 1}, "dtype");
    if (type != lossmith::Type::f32 && type != lossmith::Type::bf16) {
      reject("dtype", "f32 or bf16", lossmith::name_of(type));
    }
    if (m < 1 || n < 1 || k < 1) {
      reject("shape", "m, n, k >= 1",
             std::to_string(m) + ", " + std::to_string(n) + ", " + std::to_string(k));
    }
    if (repeats < 1) reject("repeats", ">= 1", repeats);
    if (rate == nullptr) reject("rate", "a place for the result", "NULL");
    *rate = lease->backend.measure_gemm(*lease, type, m, n, k, repeats);
  });
}

extern "C" lsm_status lsm_measure_copy(lsm_context context, int64_t bytes, int32_t repeats,
                                       double* rate) {
  return guard([&] {
    const Lease lease(context);
    if (bytes < 1) reject("bytes", ">= 1", bytes);
    if (repeats < 1) reject("repeats", ">= 1", repeats);
    if (rate == nullptr) reject("rate", "a place for the result", "NULL");
    *rate = lease->backend.measure_copy(*lease, bytes, repeats);
  });
}
