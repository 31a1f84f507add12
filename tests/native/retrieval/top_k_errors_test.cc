// Calls of lsm_top_k that are refused: by name, with what was expected and what came, and with no
// output touched.
#include <gtest/gtest.h>

#include <functional>

#include "retrieval/search.h"
#include "support/errors.h"

namespace lossmith_test {
namespace {

constexpr int64_t kRows = 3, kLabels = 6, kWidth = 2, kBest = 4;

Search GoodSearch() {
  Random random(1);
  const std::vector<double> x = Integers(&random, kRows * kWidth, 3);
  Search search(DType::kF32, kRows, kLabels, kWidth, kBest, x,
                Integers(&random, kLabels * kWidth, 3));
  search.bias.emplace(DType::kF32, std::vector<int64_t>{kLabels}, Integers(&random, kLabels, 3));
  search.Exclude({{1}, {}, {5, 0}}, DType::kI64);
  return search;
}

struct Bad {
  const char* argument;
  const char* got;
  std::function<void(Search*)> spoil;
};

HostTensor Zeros(DType dtype, std::vector<int64_t> shape) {
  int64_t elements = 1;
  for (int64_t extent : shape) elements *= extent;
  return HostTensor(dtype, shape, std::vector<double>(elements, 0.0));
}

void ExpectRejected(const std::vector<Bad>& all) {
  const Context context;
  for (const Bad& bad : all) {
    SCOPED_TRACE(std::string(bad.argument) + " " + bad.got);
    Search search = GoodSearch();
    bad.spoil(&search);
    EXPECT_TRUE(Rejects(search.Run(context), bad.argument, bad.got));
    EXPECT_TRUE(search.scores.Untouched());
    EXPECT_TRUE(search.ids.Untouched());
  }
}

TEST(TopKErrors, TheGoodCallIsGood) {
  Search search = GoodSearch();
  ASSERT_EQ(search.Run(Context()), LSM_OK) << lsm_last_error();
  search.ExpectExact();
}

TEST(TopKErrors, Options) {
  ExpectRejected({
      {"k", "0", [](Search* s) { s->options.k = 0; }},
      {"k", "-3", [](Search* s) { s->options.k = -3; }},
      {"temperature", "0", [](Search* s) { s->options.temperature = 0; }},
      {"temperature", "-1", [](Search* s) { s->options.temperature = -1; }},
      {"temperature", "nan", [](Search* s) { s->options.temperature = std::nan(""); }},
      {"temperature", "inf", [](Search* s) { s->options.temperature = INFINITY; }},
      {"temperature", "e-321", [](Search* s) { s->options.temperature = 1e-320; }},
      {"normalize_x", "2", [](Search* s) { s->options.normalize_x = 2; }},
      {"normalize_labels", "-1", [](Search* s) { s->options.normalize_labels = -1; }},
      {"normalize_x", "1",
       [](Search* s) {
         s->labels.reset();
         s->options.normalize_x = 1;
       }},
      {"normalize_labels", "1",
       [](Search* s) {
         s->labels.reset();
         s->options.normalize_labels = 1;
       }},
  });
}

TEST(TopKErrors, Tensors) {
  ExpectRejected({
      {"x", "i32",
       [](Search* s) {
         s->x = Zeros(DType::kI32, {kRows, kWidth});
       }},
      {"x", "[3]", [](Search* s) { s->x = Zeros(DType::kF32, {kRows}); }},
      {"x", "[3,0]",
       [](Search* s) {
         s->x = Zeros(DType::kF32, {kRows, 0});
       }},
      {"labels", "f64",
       [](Search* s) {
         s->labels = Zeros(DType::kF64, {kLabels, kWidth});
       }},
      {"labels", "[6,3]",
       [](Search* s) {
         s->labels = Zeros(DType::kF32, {kLabels, 3});
       }},
      {"bias", "[5]", [](Search* s) { s->bias = Zeros(DType::kF32, {5}); }},
      {"bias", "bf16", [](Search* s) { s->bias = Zeros(DType::kBF16, {kLabels}); }},
      {"excluded_ids", "NULL", [](Search* s) { s->excluded_ids.reset(); }},
      {"excluded_offsets", "NULL", [](Search* s) { s->excluded_offsets.reset(); }},
      {"excluded_offsets", "[3]", [](Search* s) { s->excluded_offsets = Zeros(DType::kI64, {3}); }},
      {"excluded_offsets", "i32", [](Search* s) { s->excluded_offsets = Zeros(DType::kI32, {4}); }},
      {"excluded_ids", "f32", [](Search* s) { s->excluded_ids = Zeros(DType::kF32, {3}); }},
      {"excluded_ids", "[3,1]",
       [](Search* s) {
         s->excluded_ids = Zeros(DType::kI64, {3, 1});
       }},
      {"scores", "bf16",
       [](Search* s) {
         s->scores = HostTensor(DType::kBF16, {kRows, kBest});
       }},
      {"scores", "[3,5]",
       [](Search* s) {
         s->scores = HostTensor(DType::kF32, {kRows, 5});
       }},
      {"ids", "i32",
       [](Search* s) {
         s->ids = HostTensor(DType::kI32, {kRows, kBest});
       }},
      {"ids", "[2,4]",
       [](Search* s) {
         s->ids = HostTensor(DType::kI64, {2, kBest});
       }},
  });
}

TEST(TopKErrors, NullArguments) {
  const Context context;
  Search s = GoodSearch();
  Mirror device;
  lsm_tensor* x = device.View(&s.x);
  lsm_tensor* ids = device.View(&s.ids);
  const auto run = [&](lsm_context where, const lsm_top_k_options* options, lsm_tensor* from,
                       lsm_tensor* to) {
    return lsm_top_k(where, options, from, nullptr, nullptr, nullptr, nullptr, nullptr, to);
  };
  EXPECT_TRUE(Rejects(run(nullptr, &s.options, x, ids), "context", "NULL"));
  EXPECT_TRUE(Rejects(run(context, nullptr, x, ids), "options", "NULL"));
  EXPECT_TRUE(Rejects(run(context, &s.options, nullptr, ids), "x", "NULL"));
  EXPECT_TRUE(Rejects(run(context, &s.options, x, nullptr), "ids", "NULL"));
  // Results over what they are made from.
  s.options.k = kWidth;
  HostTensor few(DType::kI64, {kRows, kWidth});
  EXPECT_TRUE(Rejects(
      lsm_top_k(context, &s.options, x, nullptr, nullptr, nullptr, nullptr, x, device.View(&few)),
      "scores", "an overlap with x"));
}

// Values that the CPU rejects; a device, which does not read them back, keeps to the ids and labels
// that there are.
TEST(TopKErrors, ValuesOfSets) {
  const std::vector<Bad> bad = {
      {"excluded_offsets[0]", "1", [](Search* s) { s->excluded_offsets->Set(0, 1); }},
      {"excluded_offsets[2]", "0",
       [](Search* s) {
         s->excluded_offsets->Set(1, 2);
         s->excluded_offsets->Set(2, 0);
       }},
      {"excluded_offsets[3]", "4", [](Search* s) { s->excluded_offsets->Set(3, 4); }},
      {"excluded_ids[0]", "-1", [](Search* s) { s->excluded_ids->Set(0, -1); }},
      {"excluded_ids[2]", "6", [](Search* s) { s->excluded_ids->Set(2, 6); }},
  };
  if (!OnDevice()) return ExpectRejected(bad);
  for (const Bad& each : bad) {
    Search search = GoodSearch();
    each.spoil(&search);
    EXPECT_EQ(search.Run(Context()), LSM_OK) << each.argument << ": " << lsm_last_error();
  }
  Search strange = GoodSearch();
  strange.excluded_ids->Set(0, -1);
  strange.excluded = {{}, {}, {5, 0}};
  EXPECT_EQ(strange.Run(Context()), LSM_OK) << lsm_last_error();
  strange.ExpectExact();
  strange.excluded_offsets->Set(3, 1e9);
  EXPECT_EQ(strange.Run(Context()), LSM_OK) << lsm_last_error();
  strange.ExpectExact();
}

TEST(TopKErrors, LargestKOfADevice) {
  Search search(DType::kF64, 1, 3, LSM_TOP_K_CUDA_LIMIT + 1, {1, 2, 3});
  const lsm_status status = search.Run(Context());
  if (OnDevice()) {
    EXPECT_TRUE(Fails(status, LSM_UNSUPPORTED, {"k: expected at most 2048 on cuda:0, got 2049"}));
    EXPECT_TRUE(search.ids.Untouched());
    Search largest(DType::kF64, 1, 3, LSM_TOP_K_CUDA_LIMIT, {1, 2, 3});
    ASSERT_EQ(largest.Run(Context()), LSM_OK) << lsm_last_error();
    largest.ExpectExact();
  } else {
    EXPECT_EQ(status, LSM_OK) << lsm_last_error();
    search.ExpectExact();
  }
}

}  // namespace
}  // namespace lossmith_test
