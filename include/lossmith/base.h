/**
 * Status codes, element types, devices and tensor views: the vocabulary of the C ABI.
 *
 * Every function that can fail returns an lsm_status. On anything but LSM_OK no output
 * has been written, and lsm_last_error() says, for the calling thread, which argument was
 * wrong, what was expected and what came.
 */
#ifndef LOSSMITH_BASE_H_
#define LOSSMITH_BASE_H_

#include <stddef.h>
#include <stdint.h>

#if defined(LOSSMITH_BUILDING)
#define LSM_API __attribute__((visibility("default")))
#else
#define LSM_API
#endif

#ifdef __cplusplus
extern "C" {
#endif

/** Result of a call; see the LSM_* constants beside it. */
typedef int32_t lsm_status;

enum {
  /** The call did what it says. */
  LSM_OK = 0,
  /** An argument has a wrong value, shape, element type or device. */
  LSM_INVALID_ARGUMENT = 1,
  /** Memory could not be had, or an allocation limit was reached. */
  LSM_OUT_OF_MEMORY = 2,
  /** The byte budget of the context is below what the smallest plan needs. */
  LSM_BUDGET_TOO_SMALL = 3,
  /** The combination is meaningful, but this build or device does not offer it. */
  LSM_UNSUPPORTED = 4,
  /** A device call failed; the context stays usable. */
  LSM_DEVICE_ERROR = 5,
  /**
   * A device is lost for this process (sticky error): every later call on it fails too, and only a
   * new process can use it again.
   */
  LSM_DEVICE_FATAL = 6,
  /** A defect of the library. */
  LSM_INTERNAL = 7
};

/** Device types; the numbers are DLPack's. */
enum { LSM_CPU = 1, LSM_CUDA = 2 };

/** Element type codes; the numbers are DLPack's (kDLInt, kDLUInt, kDLFloat, kDLBfloat). */
enum { LSM_INT = 0, LSM_UINT = 1, LSM_FLOAT = 2, LSM_BFLOAT = 4 };

/** A device: its type and, among several of the type, its ordinal. Layout of DLDevice. */
typedef struct lsm_device {
  int32_t type;
  int32_t id;
} lsm_device;

/**
 * An element type: code, width in bits, SIMD lanes (always 1). Layout of DLDataType.
 * f32 is {LSM_FLOAT, 32, 1}, f64 {LSM_FLOAT, 64, 1}, f16 {LSM_FLOAT, 16, 1},
 * bf16 {LSM_BFLOAT, 16, 1}, u8 {LSM_UINT, 8, 1}, i8 {LSM_INT, 8, 1}, i32 {LSM_INT, 32, 1}, i64 {LSM_INT, 64, 1}.
 */
typedef struct lsm_dtype {
  uint8_t code;
  uint8_t bits;
  uint16_t lanes;
} lsm_dtype;

/**
 * A view of a dense tensor in memory that somebody owns. Layout of DLPack's DLTensor.
 * Element (i0, i1, ...) lies at data + byte_offset + (i0*strides[0] + i1*strides[1] + ...)
 * elements. strides may be NULL: rows follow each other without a gap (C order). Strides
 * count elements, not bytes. Operations accept any row stride; unless they say otherwise
 * the last dimension must be contiguous (stride 1). data needs no alignment beyond that of
 * one element.
 */
typedef struct lsm_tensor {
  void* data;
  lsm_device device;
  int32_t ndim;
  lsm_dtype dtype;
  int64_t* shape;
  int64_t* strides;
  uint64_t byte_offset;
} lsm_tensor;

/** A tensor that a call reads. NULL where the function says "optional". */
typedef const lsm_tensor* lsm_input;

/**
 * A tensor that a call writes: the view is not changed, the elements are. NULL means "not
 * wanted", and the work for it is not done. Outputs must not overlap inputs or each other.
 */
typedef lsm_tensor* lsm_output;

/**
 * Message of the last failed call on this thread: argument, expected, got. Empty when no
 * call failed yet. Valid until the next failing call on this thread.
 */
LSM_API const char* lsm_last_error(void);

/** Version of the library, "major.minor.patch". */
LSM_API const char* lsm_version(void);

/**
 * What this build and machine offer, as one JSON object: version, backends (with the reason
 * for each that is absent), devices, the instruction set in use, libraries found with their
 * versions. Valid for the life of the process. The environment variable LOSSMITH_CUDA=off hides
 * all CUDA devices; it is read when the first device is asked for.
 */
LSM_API const char* lsm_describe(void);

#ifdef __cplusplus
}
#endif

#endif /* LOSSMITH_BASE_H_ */
