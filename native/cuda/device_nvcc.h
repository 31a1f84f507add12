// The names of device.h for nvcc. What an architecture lacks falls back to plain code: cp.async
// copies through a register below sm_80; the tensor-core products exist from sm_80 on and trap
// below, where the host never launches them.
#ifndef LOSSMITH_CUDA_DEVICE_NVCC_H_
#define LOSSMITH_CUDA_DEVICE_NVCC_H_

#include <cuda_runtime.h>

#include <cstdint>

#include "core/dtype.h"

#define LSM_DEVICE __device__ __forceinline__
#define LSM_SHARED(T, name, count)                    \
  __shared__ __align__(16) T name##_storage[(count)]; \
  const ::lossmith::cuda::Shared<T> name = name##_storage

namespace lossmith {
namespace cuda {

template <class T>
using Shared = T*;

template <class T>
LSM_DEVICE Shared<T> dynamic_shared(unsigned byte_offset = 0) {
  extern __shared__ __align__(128) unsigned char lossmith_dynamic_shared[];
  return reinterpret_cast<T*>(lossmith_dynamic_shared + byte_offset);
}

template <class T, int N>
struct alignas(sizeof(T) * N) Vec {
  static_assert(sizeof(T) * N <= 16, "one access is 16 bytes at most");
  T v[N];
  LSM_HD T& operator[](int i) { return v[i]; }
  LSM_HD const T& operator[](int i) const { return v[i]; }
};

template <int N, class T>
LSM_DEVICE Vec<T, N> load_vec(const T* p) {
  return *reinterpret_cast<const Vec<T, N>*>(p);
}
template <class T, int N>
LSM_DEVICE void store_vec(T* p, const Vec<T, N>& v) {
  *reinterpret_cast<Vec<T, N>*>(p) = v;
}

LSM_DEVICE unsigned shared_address(const void* p) {
  return static_cast<unsigned>(__cvta_generic_to_shared(p));
}

template <class T>
LSM_DEVICE void cp_async16(Shared<T> to, const T* from, int bytes) {
#if __CUDA_ARCH__ >= 800
  asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;" ::"r"(shared_address(to)), "l"(from),
               "r"(bytes)
               : "memory");
#else
  const unsigned char* source = reinterpret_cast<const unsigned char*>(from);
  unsigned char* target = reinterpret_cast<unsigned char*>(to);
  for (int i = 0; i < 16; ++i) target[i] = i < bytes ? source[i] : 0;
#endif
}
LSM_DEVICE void cp_async_commit() {
#if __CUDA_ARCH__ >= 800
  asm volatile("cp.async.commit_group;" ::: "memory");
#endif
}
template <int N>
LSM_DEVICE void cp_async_wait() {
#if __CUDA_ARCH__ >= 800
  asm volatile("cp.async.wait_group %0;" ::"n"(N) : "memory");
#endif
}

// Each lane gives the address of one row of 8 elements: lanes 8i..8i+7 those of matrix i.
template <class T>
LSM_DEVICE void ldmatrix_x4(std::uint32_t (&r)[4], Shared<T> row) {
  static_assert(sizeof(T) == 2, "ldmatrix moves 16-bit elements");
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0,%1,%2,%3}, [%4];"
               : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3])
               : "r"(shared_address(row))
               : "memory");
}
template <class T>
LSM_DEVICE void ldmatrix_x4_trans(std::uint32_t (&r)[4], Shared<T> row) {
  static_assert(sizeof(T) == 2, "ldmatrix moves 16-bit elements");
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0,%1,%2,%3}, [%4];"
               : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3])
               : "r"(shared_address(row))
               : "memory");
}

LSM_DEVICE void mma_m16n8k16(float (&d)[4], const std::uint32_t (&a)[4],
                             const std::uint32_t (&b)[2], bfloat16) {
#if __CUDA_ARCH__ >= 800
  asm volatile(
      "mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, "
      "{%0,%1,%2,%3};"
      : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
      : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
#else
  __trap();
#endif
}
LSM_DEVICE void mma_m16n8k16(float (&d)[4], const std::uint32_t (&a)[4],
                             const std::uint32_t (&b)[2], float16) {
#if __CUDA_ARCH__ >= 800
  asm volatile(
      "mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, "
      "{%0,%1,%2,%3};"
      : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
      : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
#else
  __trap();
#endif
}
LSM_DEVICE void mma_m16n8k8_tf32(float (&d)[4], const std::uint32_t (&a)[4],
                                 const std::uint32_t (&b)[2]) {
#if __CUDA_ARCH__ >= 800
  asm volatile(
      "mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, "
      "{%0,%1,%2,%3};"
      : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
      : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
#else
  __trap();
#endif
}
LSM_DEVICE void mma_m16n8k32_s8(std::int32_t (&d)[4], const std::uint32_t (&a)[4],
                                const std::uint32_t (&b)[2]) {
#if __CUDA_ARCH__ >= 800
  asm volatile(
      "mma.sync.aligned.m16n8k32.row.col.s32.s8.s8.s32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, "
      "{%0,%1,%2,%3};"
      : "+r"(d[0]), "+r"(d[1]), "+r"(d[2]), "+r"(d[3])
      : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
#else
  __trap();
#endif
}
LSM_DEVICE void mma_m16n8k32_u8_s8(std::int32_t (&d)[4], const std::uint32_t (&a)[4],
                                   const std::uint32_t (&b)[2]) {
#if __CUDA_ARCH__ >= 800
  asm volatile(
      "mma.sync.aligned.m16n8k32.row.col.s32.u8.s8.s32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, "
      "{%0,%1,%2,%3};"
      : "+r"(d[0]), "+r"(d[1]), "+r"(d[2]), "+r"(d[3])
      : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
#else
  __trap();
#endif
}

LSM_DEVICE std::int32_t dot4_s8(std::uint32_t a, std::uint32_t b, std::int32_t c) {
  std::int32_t d;
  asm("dp4a.s32.s32 %0, %1, %2, %3;" : "=r"(d) : "r"(a), "r"(b), "r"(c));
  return d;
}
LSM_DEVICE std::int32_t dot4_u8_s8(std::uint32_t a, std::uint32_t b, std::int32_t c) {
  std::int32_t d;
  asm("dp4a.u32.s32 %0, %1, %2, %3;" : "=r"(d) : "r"(a), "r"(b), "r"(c));
  return d;
}

// Round to nearest, ties away from zero, as the instruction does.
LSM_DEVICE std::uint32_t to_tf32(float x) {
#if __CUDA_ARCH__ >= 800
  std::uint32_t bits;
  asm("cvt.rna.tf32.f32 %0, %1;" : "=r"(bits) : "f"(x));
  return bits;
#else
  return __float_as_uint(x);
#endif
}

}  // namespace cuda
}  // namespace lossmith

#endif  // LOSSMITH_CUDA_DEVICE_NVCC_H_
