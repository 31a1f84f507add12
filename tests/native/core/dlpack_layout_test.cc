// The views of the C ABI have the memory layout and the numbers of DLPack.
#include <dlpack/dlpack.h>
#include <gtest/gtest.h>

#include <cstddef>
#include <cstring>

#include "lossmith/base.h"

namespace {

#define EXPECT_SAME_FIELD(ours, our_field, theirs, their_field)               \
  static_assert(offsetof(ours, our_field) == offsetof(theirs, their_field) && \
                    sizeof(ours::our_field) == sizeof(theirs::their_field),   \
                #ours "." #our_field " lies elsewhere in " #theirs)

static_assert(sizeof(lsm_device) == sizeof(DLDevice), "lsm_device is not a DLDevice");
EXPECT_SAME_FIELD(lsm_device, type, DLDevice, device_type);
EXPECT_SAME_FIELD(lsm_device, id, DLDevice, device_id);

static_assert(sizeof(lsm_dtype) == sizeof(DLDataType), "lsm_dtype is not a DLDataType");
EXPECT_SAME_FIELD(lsm_dtype, code, DLDataType, code);
EXPECT_SAME_FIELD(lsm_dtype, bits, DLDataType, bits);
EXPECT_SAME_FIELD(lsm_dtype, lanes, DLDataType, lanes);

static_assert(sizeof(lsm_tensor) == sizeof(DLTensor), "lsm_tensor is not a DLTensor");
static_assert(alignof(lsm_tensor) == alignof(DLTensor), "lsm_tensor is not a DLTensor");
EXPECT_SAME_FIELD(lsm_tensor, data, DLTensor, data);
EXPECT_SAME_FIELD(lsm_tensor, device, DLTensor, device);
EXPECT_SAME_FIELD(lsm_tensor, ndim, DLTensor, ndim);
EXPECT_SAME_FIELD(lsm_tensor, dtype, DLTensor, dtype);
EXPECT_SAME_FIELD(lsm_tensor, shape, DLTensor, shape);
EXPECT_SAME_FIELD(lsm_tensor, strides, DLTensor, strides);
EXPECT_SAME_FIELD(lsm_tensor, byte_offset, DLTensor, byte_offset);

static_assert(LSM_CPU == static_cast<int>(kDLCPU), "device numbers differ");
static_assert(LSM_CUDA == static_cast<int>(kDLCUDA), "device numbers differ");
static_assert(LSM_INT == static_cast<int>(kDLInt), "type codes differ");
static_assert(LSM_UINT == static_cast<int>(kDLUInt), "type codes differ");
static_assert(LSM_FLOAT == static_cast<int>(kDLFloat), "type codes differ");
static_assert(LSM_BFLOAT == static_cast<int>(kDLBfloat), "type codes differ");

TEST(DlpackLayout, ATensorViewReadsAsDlTensor) {
  int64_t shape[] = {2, 3};
  int64_t strides[] = {7, 1};
  float data[10];
  const lsm_tensor ours{data, {LSM_CPU, 5}, 2, {LSM_BFLOAT, 16, 1}, shape, strides, 24};
  DLTensor theirs;
  std::memcpy(&theirs, &ours, sizeof theirs);
  EXPECT_EQ(theirs.data, data);
  EXPECT_EQ(theirs.device.device_type, kDLCPU);
  EXPECT_EQ(theirs.device.device_id, 5);
  EXPECT_EQ(theirs.ndim, 2);
  EXPECT_EQ(theirs.dtype.code, kDLBfloat);
  EXPECT_EQ(theirs.dtype.bits, 16);
  EXPECT_EQ(theirs.dtype.lanes, 1);
  EXPECT_EQ(theirs.shape, shape);
  EXPECT_EQ(theirs.strides, strides);
  EXPECT_EQ(theirs.byte_offset, 24u);
}

}  // namespace
