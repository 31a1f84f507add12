// Many threads: contexts of their own, one context for all, accounting, messages.
#include <gtest/gtest.h>

#include <atomic>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "support/call.h"
#include "support/context.h"
#include "support/errors.h"

namespace lossmith_test {
namespace {

constexpr int kThreads = 6;

void InThreads(const std::function<void(int)>& body) {
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; ++i) threads.emplace_back(body, i);
  for (std::thread& thread : threads) thread.join();
}

// One problem for each thread, its expected bits computed beforehand by one thread alone.
class Concurrency : public ::testing::Test {
 protected:
  Concurrency() {
    for (int i = 0; i < kThreads; ++i) {
      problems_.push_back(RandomClip(60 + 10 * i, 70 + 10 * i, 24, i));
      Call call(problems_.back(), SingleTypes(DType::kF32));
      EXPECT_EQ(call.Run(Context(1)), LSM_OK) << lsm_last_error();
      expected_.push_back(call.Bits());
    }
  }

  void RunRepeatedly(int i, lsm_context context) {
    for (int round = 0; round < Size(20, 5); ++round) {
      Call call(problems_[i], SingleTypes(DType::kF32));
      if (call.Run(context) != LSM_OK || call.Bits() != expected_[i]) ++failures_;
    }
  }

  std::vector<Problem> problems_;
  std::vector<std::array<std::vector<unsigned char>, kOutputs>> expected_;
  std::atomic<int> failures_{0};
};

TEST_F(Concurrency, ContextsOfTheirOwnDoNotDisturbEachOther) {
  InThreads([this](int i) { RunRepeatedly(i, Context(1 + i % 2)); });
  EXPECT_EQ(failures_, 0);
}

TEST_F(Concurrency, CallsThatShareAContextWaitForEachOther) {
  const Context context(2);
  InThreads([&](int i) { RunRepeatedly(i, context); });
  EXPECT_EQ(failures_, 0);
}

TEST(ConcurrentTensors, TheAccountsAreExact) {
  const int64_t bytes = lsm_memory_live_bytes();
  const int64_t tensors = lsm_memory_live_tensors();
  InThreads([](int i) {
    for (int round = 0; round < 200; ++round) {
      OwnedTensor tensor, view;
      const int64_t shape[] = {1 + i, 100};
      ASSERT_EQ(lsm_tensor_create(LSM_CPU, 0, LSM_FLOAT, 32, 2, shape, tensor.receive()), LSM_OK);
      ASSERT_EQ(lsm_tensor_wrap(lsm_tensor_address(tensor.get()), LSM_CPU, 0, LSM_FLOAT, 32, 2,
                                shape, nullptr, view.receive()),
                LSM_OK);
    }
  });
  EXPECT_EQ(lsm_memory_live_bytes(), bytes);
  EXPECT_EQ(lsm_memory_live_tensors(), tensors);
}

TEST(LastError, BelongsToTheThreadThatFailed) {
  const Context context;
  EXPECT_TRUE(Rejects(lsm_context_set_budget(context, -17), "budget", "-17"));
  const std::string own = lsm_last_error();
  std::thread([&context] {
    EXPECT_STREQ(lsm_last_error(), "");
    EXPECT_TRUE(Rejects(lsm_context_set_budget(context, -18), "budget", "-18"));
  }).join();
  EXPECT_EQ(lsm_last_error(), own);
}

TEST(LastError, SurvivesASuccess) {
  const Context context;
  EXPECT_NE(lsm_context_set_budget(context, -19), LSM_OK);
  EXPECT_EQ(lsm_context_set_budget(context, 1 << 20), LSM_OK);
  EXPECT_NE(std::string(lsm_last_error()).find("-19"), std::string::npos);
}

}  // namespace
}  // namespace lossmith_test
