// Copies between the device, pageable and page-locked memory: the same bytes as copies of the CPU,
// and waits only where the header says so.
#include <gtest/gtest.h>

#include <random>

#include "cuda/cuda_context.h"
#include "cuda/placed_tensor.h"
#include "simt/control.h"
#include "support/errors.h"

namespace lossmith_test {
namespace {

namespace simt = lossmith::cuda::simt;

constexpr Place kPlaces[] = {Place::device, Place::pageable, Place::pinned};

StridedLayout Dense(std::vector<int64_t> shape) {
  StridedLayout layout{shape, shape, 0};
  int64_t stride = 1;
  for (size_t i = shape.size(); i-- > 0;) {
    layout.strides[i] = stride;
    stride *= shape[i];
  }
  return layout;
}

// Layouts of one shape [a,b,c]: dense, padded rows, gaps between the planes too, backwards,
// transposed, every second element.
std::vector<StridedLayout> LayoutsOf(int64_t a, int64_t b, int64_t c) {
  return {Dense({a, b, c}),
          {{a, b, c}, {b * (c + 3), c + 3, 1}, 1},
          {{a, b, c}, {b * (c + 3) + 5, c + 3, 1}, 0},
          {{a, b, c}, {b * c, -c, 1}, (b - 1) * c},
          {{a, b, c}, {1, a, a * b}, 2},
          {{a, b, c}, {2 * b * c, 2 * c, 2}, 1}};
}

// Bytes of a block whose elements are numbers of all kinds; NaN payloads are not compared.
std::vector<unsigned char> RandomBlock(DType dtype, int64_t elements, unsigned seed) {
  std::mt19937_64 engine(seed);
  std::normal_distribution<double> normal;
  std::vector<unsigned char> block(static_cast<size_t>(elements) * Bytes(dtype));
  for (int64_t i = 0; i < elements; ++i) {
    double value = normal(engine) * std::pow(10.0, static_cast<double>(engine() % 9) - 4);
    if (dtype == DType::kU8) value = static_cast<double>(engine() % 256);
    if (dtype == DType::kI32 || dtype == DType::kI64) value = std::floor(value);
    if (dtype == DType::kF32 && i % 13 == 5) value = INFINITY;
    Store(dtype, value, &block[static_cast<size_t>(i) * Bytes(dtype)]);
  }
  return block;
}

class Transfer : public ::testing::Test {
 protected:
  void TearDown() override {
    simt::reset();
    EXPECT_TRUE(simt::take_violations().empty());
  }

  // Copies with the device and compares the target's whole block with that of a copy of the CPU.
  void Check(Place from_place, Place to_place, DType from_type, DType to_type,
             const StridedLayout& from, const StridedLayout& to) {
    const std::vector<unsigned char> values = RandomBlock(from_type, from.block(), 1);
    const std::vector<unsigned char> pattern(static_cast<size_t>(to.block()) * Bytes(to_type),
                                             0xA5);
    PlacedTensor source(from_place, from_type, from, values);
    PlacedTensor target(to_place, to_type, to, pattern);
    PlacedTensor expected_source(Place::pageable, from_type, from, values);
    PlacedTensor expected(Place::pageable, to_type, to, pattern);
    ASSERT_EQ(lsm_tensor_copy(cpu_, expected_source.view(), expected.view()), LSM_OK);
    ASSERT_EQ(lsm_tensor_copy(cuda_, source.view(), target.view()), LSM_OK) << lsm_last_error();
    if (from_place == Place::pageable || to_place == Place::pageable) {
      // Done when the call returns. Other copies are queued.
      ASSERT_EQ(target.Block(), expected.Block());
    }
    ASSERT_EQ(lsm_context_synchronize(cuda_), LSM_OK) << lsm_last_error();
    ASSERT_EQ(target.Block(), expected.Block())
        << "from place " << int(from_place) << " " << Name(from_type) << " to place "
        << int(to_place) << " " << Name(to_type);
    ASSERT_EQ(source.Block(), values);
  }

  static lsm_context_options OwnStream() {
    lsm_context_options options = CudaOptions();
    options.own_stream = 1;
    return options;
  }

  const CudaContext cpu_{lsm_context_options{}};
  const CudaContext cuda_{OwnStream()};
};

TEST_F(Transfer, GivesTheBytesOfTheCpuForEveryLayoutAndPlace) {
  for (const Place from : kPlaces) {
    for (const Place to : kPlaces) {
      for (const auto& [a, b, c] :
           {std::array<int64_t, 3>{2, 3, 5}, {1, 7, 1}, {3, 1, 70}, {4, 33, 19}}) {
        for (const StridedLayout& from_layout : LayoutsOf(a, b, c)) {
          for (const StridedLayout& to_layout : LayoutsOf(a, b, c)) {
            Check(from, to, DType::kF32, DType::kF32, from_layout, to_layout);
            Check(from, to, DType::kF32, DType::kBF16, from_layout, to_layout);
          }
        }
      }
    }
  }
}

TEST_F(Transfer, ConvertsEveryPairOfTypes) {
  const DType floating[] = {DType::kF32, DType::kF64, DType::kF16, DType::kBF16};
  for (const Place from : kPlaces) {
    for (const Place to : kPlaces) {
      for (const StridedLayout& layout : {LayoutsOf(3, 5, 7)[0], LayoutsOf(3, 5, 7)[4]}) {
        for (const DType from_type : floating) {
          for (const DType to_type : floating) {
            Check(from, to, from_type, to_type, layout, Dense({3, 5, 7}));
            Check(from, to, from_type, to_type, Dense({3, 5, 7}), layout);
          }
        }
        for (const DType type : {DType::kU8, DType::kI32, DType::kI64}) {
          Check(from, to, type, type, layout, Dense({3, 5, 7}));
        }
      }
    }
  }
}

TEST_F(Transfer, HandlesScalarsRepeatedRowsAndEightDimensions) {
  const StridedLayout scalar{{}, {}, 3};
  const StridedLayout repeated{{4, 3}, {0, 1}, 0};
  StridedLayout eight = Dense({2, 2, 2, 2, 2, 2, 2, 2});
  StridedLayout mixed = eight;
  mixed.strides = {1, 16, 2, 32, 4, 64, 8, 128};
  for (const Place from : kPlaces) {
    for (const Place to : kPlaces) {
      Check(from, to, DType::kF64, DType::kF32, scalar, scalar);
      Check(from, to, DType::kF16, DType::kF16, repeated, Dense({4, 3}));
      Check(from, to, DType::kF32, DType::kF32, mixed, eight);
      Check(from, to, DType::kF32, DType::kF64, eight, mixed);
    }
  }
}

TEST_F(Transfer, EmptyTensorsAreNoWork) {
  lsm_tensor empty{};
  int64_t shape[] = {3, 0};
  empty.device = {LSM_CUDA, 0};
  empty.ndim = 2;
  empty.dtype = Abi(DType::kF32);
  empty.shape = shape;
  simt::reset_counters();
  EXPECT_EQ(lsm_tensor_copy(cuda_, &empty, &empty), LSM_OK) << lsm_last_error();
  EXPECT_EQ(simt::counter("cudaLaunchKernel") + simt::counter("cudaMemcpyAsync"), 0u);
}

// More than the 4 MiB that lie between host and device at a time; the last extents do not divide.
TEST_F(Transfer, GoesInPiecesThroughASmallPartOfTheWorkspace) {
  const StridedLayout transposed{{1200, 1100}, {1, 1200}, 0};
  for (const bool to_device : {true, false}) {
    Check(to_device ? Place::pageable : Place::device, to_device ? Place::device : Place::pageable,
          DType::kF32, DType::kF32, transposed, Dense({1200, 1100}));
    EXPECT_LE(lsm_context_workspace_bytes(cuda_), 4 << 20);
  }
}

TEST_F(Transfer, GoesInPiecesOfTheBudget) {
  ASSERT_EQ(lsm_context_set_budget(cuda_, 4096), LSM_OK);
  const StridedLayout transposed{{70, 90}, {1, 70}, 0};
  Check(Place::pageable, Place::device, DType::kF64, DType::kF32, Dense({70, 90}), transposed);
  Check(Place::device, Place::pageable, DType::kF32, DType::kF64, transposed, Dense({70, 90}));
  EXPECT_EQ(lsm_context_workspace_bytes(cuda_), 4096);
  // One row is longer than a piece.
  Check(Place::device, Place::pageable, DType::kBF16, DType::kF32, {{2, 5000}, {9999, 1}, 0},
        {{2, 5000}, {1, 2}, 0});
}

TEST_F(Transfer, RefusesABudgetBelowFourKibibytesBeforeItWrites) {
  ASSERT_EQ(lsm_context_set_budget(cuda_, 1000), LSM_OK);
  const StridedLayout transposed{{70, 90}, {1, 70}, 0};
  const std::vector<unsigned char> zeros(4 * 6300, 0), pattern(8 * 6300, 0xA5);
  PlacedTensor source(Place::device, DType::kF32, transposed, zeros);
  PlacedTensor target(Place::pageable, DType::kF64, Dense({70, 90}), pattern);
  EXPECT_TRUE(Fails(lsm_tensor_copy(cuda_, source.view(), target.view()), LSM_BUDGET_TOO_SMALL,
                    {"4096", "1000"}));
  EXPECT_EQ(target.Block(), pattern);
  // What the driver copies by itself needs no workspace, and little fits.
  Check(Place::device, Place::pageable, DType::kF32, DType::kF32, Dense({70, 90}),
        {{70, 90}, {95, 1}, 0});
  Check(Place::device, Place::pageable, DType::kF32, DType::kF64, Dense({5, 9}), Dense({5, 9}));
}

class Waiting : public Transfer {
 protected:
  // How often a copy of a dense f32 tensor to one of the given type waits.
  uint64_t Waits(Place from, Place to, DType to_type, const StridedLayout& to_layout) {
    const std::vector<unsigned char> zeros(4 * 15, 0);
    const std::vector<unsigned char> pattern(
        static_cast<size_t>(to_layout.block()) * Bytes(to_type), 0xA5);
    PlacedTensor source(from, DType::kF32, Dense({3, 5}), zeros);
    PlacedTensor target(to, to_type, to_layout, pattern);
    simt::reset_counters();
    EXPECT_EQ(lsm_tensor_copy(cuda_, source.view(), target.view()), LSM_OK) << lsm_last_error();
    const uint64_t waits = simt::counter("waits");
    if (to != Place::device) {
      EXPECT_EQ(target.Block() == pattern, waits == 0) << "a queued copy has not run";
    }
    EXPECT_EQ(lsm_context_synchronize(cuda_), LSM_OK);
    EXPECT_NE(target.Block(), pattern);
    return waits;
  }
};

TEST_F(Waiting, NoCopyWaitsWithoutPageableMemory) {
  const StridedLayout transposed{{3, 5}, {1, 3}, 0}, padded{{3, 5}, {8, 1}, 0};
  for (const StridedLayout& layout : {Dense({3, 5}), transposed, padded}) {
    for (const DType type : {DType::kF32, DType::kF16}) {
      EXPECT_EQ(Waits(Place::device, Place::device, type, layout), 0u);
      EXPECT_EQ(Waits(Place::pinned, Place::device, type, layout), 0u);
      EXPECT_EQ(Waits(Place::device, Place::pinned, type, layout), 0u);
    }
  }
}

TEST_F(Waiting, CopiesOfPageableMemoryAreDoneWhenTheyReturn) {
  const StridedLayout transposed{{3, 5}, {1, 3}, 0}, padded{{3, 5}, {8, 1}, 0};
  for (const StridedLayout& layout : {Dense({3, 5}), transposed, padded}) {
    for (const DType type : {DType::kF32, DType::kF16}) {
      EXPECT_GT(Waits(Place::pageable, Place::device, type, layout), 0u);
      EXPECT_GT(Waits(Place::device, Place::pageable, type, layout), 0u);
    }
  }
}

TEST_F(Waiting, CopiesWithinTheHostWaitForQueuedOnesOfPageLockedMemory) {
  const std::vector<unsigned char> zeros(8, 0);
  std::vector<unsigned char> values(8);
  Store(DType::kF64, 42, values.data());
  PlacedTensor device(Place::device, DType::kF64, Dense({1}), values);
  PlacedTensor pinned(Place::pinned, DType::kF64, Dense({1}), zeros);
  PlacedTensor pageable(Place::pageable, DType::kF64, Dense({1}), zeros);
  PlacedTensor other(Place::pageable, DType::kF64, Dense({1}), zeros);
  ASSERT_EQ(lsm_tensor_copy(cuda_, device.view(), pinned.view()), LSM_OK);
  EXPECT_EQ(pinned.Block(), zeros);
  simt::reset_counters();
  ASSERT_EQ(lsm_tensor_copy(cuda_, pageable.view(), other.view()), LSM_OK);
  EXPECT_EQ(simt::counter("waits"), 0u) << "nothing of this is queued";
  ASSERT_EQ(lsm_tensor_copy(cuda_, pinned.view(), pageable.view()), LSM_OK);
  EXPECT_EQ(pageable.Block(), values);
}

TEST_F(Waiting, WarmCopiesAllocateNothingOnTheDevice) {
  const StridedLayout transposed{{3, 5}, {1, 3}, 0};
  for (int round = 0; round < 2; ++round) {
    for (const Place from : kPlaces) {
      for (const Place to : kPlaces)
        Check(from, to, DType::kF32, DType::kF16, transposed, Dense({3, 5}));
    }
  }
  const std::vector<unsigned char> zeros(4 * 15, 0);
  PlacedTensor source(Place::pageable, DType::kF32, transposed, zeros);
  PlacedTensor target(Place::device, DType::kF32, Dense({3, 5}), zeros);
  simt::reset_counters();
  ASSERT_EQ(lsm_tensor_copy(cuda_, source.view(), target.view()), LSM_OK);
  EXPECT_EQ(simt::counter("cudaMalloc") + simt::counter("cudaHostAlloc"), 0u);
}

// Values that every context would read too early if copies did not follow the stream.
TEST_F(Waiting, ItemFollowsTheStream) {
  for (const DType type : {DType::kF32, DType::kF64, DType::kF16, DType::kBF16, DType::kU8,
                           DType::kI32, DType::kI64}) {
    std::vector<unsigned char> value(Bytes(type)), zero(Bytes(type), 0);
    Store(type, 3, value.data());
    PlacedTensor source(Place::device, type, Dense({1}), value);
    PlacedTensor device(Place::device, type, Dense({1, 1}), zero);
    PlacedTensor pinned(Place::pinned, type, {{}, {}, 0}, zero);
    lsm_tensor flat = *device.view();
    flat.ndim = 1;
    ASSERT_EQ(lsm_tensor_copy(cuda_, source.view(), &flat), LSM_OK) << lsm_last_error();
    double read = 0;
    ASSERT_EQ(lsm_tensor_item(cuda_, device.view(), &read), LSM_OK) << lsm_last_error();
    EXPECT_EQ(read, 3) << Name(type);
    lsm_tensor scalar = *source.view();
    scalar.ndim = 0;
    ASSERT_EQ(lsm_tensor_copy(cuda_, &scalar, pinned.view()), LSM_OK) << lsm_last_error();
    ASSERT_EQ(lsm_tensor_item(cuda_, pinned.view(), &read), LSM_OK) << lsm_last_error();
    EXPECT_EQ(read, 3) << Name(type);
  }
}

TEST(Wrapping, PageableHostMemoryIsNoMemoryOfTheDevice) {
  float host[4] = {};
  const int64_t shape[] = {4};
  OwnedTensor view;
  EXPECT_TRUE(Rejects(lsm_tensor_wrap(reinterpret_cast<int64_t>(host), LSM_CUDA, 0, LSM_FLOAT, 32,
                                      1, shape, nullptr, view.receive()),
                      "data", "pageable host memory"));
  OwnedTensor pinned;
  ASSERT_EQ(CreatePinned(0, DType::kF32, {4}, &pinned), LSM_OK);
  EXPECT_EQ(lsm_tensor_wrap(lsm_tensor_address(pinned.get()), LSM_CUDA, 0, LSM_FLOAT, 32, 1, shape,
                            nullptr, view.receive()),
            LSM_OK)
      << lsm_last_error();
}

}  // namespace
}  // namespace lossmith_test
