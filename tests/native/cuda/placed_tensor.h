// A strided view of a block of bytes in memory of the device, pageable or page-locked memory of the
// host.
#ifndef LOSSMITH_TESTS_CUDA_PLACED_TENSOR_H_
#define LOSSMITH_TESTS_CUDA_PLACED_TENSOR_H_

#include <cuda_runtime_api.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <vector>

#include "lossmith/base.h"
#include "support/dtype.h"

namespace lossmith_test {

enum class Place { device, pageable, pinned };

// Extents, strides in elements and the position of the first element in the block.
struct StridedLayout {
  std::vector<int64_t> shape, strides;
  int64_t first = 0;

  int64_t elements() const {
    int64_t count = 1;
    for (int64_t extent : shape) count *= extent;
    return count;
  }
  // Elements of the smallest block that holds the view.
  int64_t block() const {
    int64_t last = first;
    for (size_t i = 0; i < shape.size(); ++i) {
      last += std::max<int64_t>((shape[i] - 1) * strides[i], 0);
    }
    return last + 1;
  }
};

class PlacedTensor {
 public:
  PlacedTensor(Place place, DType dtype, const StridedLayout& layout,
               const std::vector<unsigned char>& block)
      : place_(place), bytes_(block.size()), shape_(layout.shape), strides_(layout.strides) {
    switch (place) {
      case Place::device:
        EXPECT_EQ(cudaMalloc(&memory_, bytes_), cudaSuccess);
        EXPECT_EQ(cudaMemcpy(memory_, block.data(), bytes_, cudaMemcpyHostToDevice), cudaSuccess);
        break;
      case Place::pinned:
        EXPECT_EQ(cudaHostAlloc(&memory_, bytes_, cudaHostAllocPortable), cudaSuccess);
        std::memcpy(memory_, block.data(), bytes_);
        break;
      case Place::pageable:
        pageable_ = block;
        memory_ = pageable_.data();
        break;
    }
    view_.data = memory_;
    view_.device = place == Place::device ? lsm_device{LSM_CUDA, 0} : lsm_device{LSM_CPU, 0};
    view_.ndim = static_cast<int32_t>(shape_.size());
    view_.dtype = Abi(dtype);
    view_.shape = shape_.data();
    view_.strides = strides_.data();
    view_.byte_offset = static_cast<uint64_t>(layout.first) * Bytes(dtype);
  }
  ~PlacedTensor() {
    if (place_ == Place::device) cudaFree(memory_);
    if (place_ == Place::pinned) cudaFreeHost(memory_);
  }
  PlacedTensor(const PlacedTensor&) = delete;
  PlacedTensor& operator=(const PlacedTensor&) = delete;

  lsm_tensor* view() { return &view_; }
  // The block as it is now; does not wait for queued work where the memory is the host's.
  std::vector<unsigned char> Block() const {
    std::vector<unsigned char> block(bytes_);
    if (place_ == Place::device) {
      EXPECT_EQ(cudaMemcpy(block.data(), memory_, bytes_, cudaMemcpyDeviceToHost), cudaSuccess);
    } else {
      std::memcpy(block.data(), memory_, bytes_);
    }
    return block;
  }

 private:
  Place place_;
  size_t bytes_;
  std::vector<int64_t> shape_, strides_;
  std::vector<unsigned char> pageable_;
  void* memory_ = nullptr;
  lsm_tensor view_{};
};

}  // namespace lossmith_test

#endif  // LOSSMITH_TESTS_CUDA_PLACED_TENSOR_H_
