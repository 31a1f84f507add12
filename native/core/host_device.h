// Functions that CPU code and CUDA kernels share are marked LSM_HD.
#ifndef LOSSMITH_CORE_HOST_DEVICE_H_
#define LOSSMITH_CORE_HOST_DEVICE_H_

#if defined(__CUDACC__)
#define LSM_HD __host__ __device__
#else
#define LSM_HD
#endif

#endif  // LOSSMITH_CORE_HOST_DEVICE_H_
