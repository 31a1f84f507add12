// The library with CUDA on a machine without a GPU: it loads, says why there is no device, and
// computes on the CPU.
#include <gtest/gtest.h>

#include <string>

#include "lossmith/device.h"
#include "support/call.h"
#include "support/context.h"
#include "support/errors.h"

namespace lossmith_test {
namespace {

class Driverless : public ::testing::Test {
 protected:
  void SetUp() override {
    if (lsm_device_count(LSM_CUDA) > 0) GTEST_SKIP() << "this machine has a GPU";
  }
};

// The text between `before` and the next quote.
std::string QuotedAfter(const std::string& text, const std::string& before) {
  const size_t start = text.find(before);
  EXPECT_NE(start, std::string::npos) << before << " is not in: " << text;
  if (start == std::string::npos) return "";
  const size_t begin = start + before.size();
  return text.substr(begin, text.find('"', begin) - begin);
}

TEST_F(Driverless, TheDescriptionHasTheReasonAndNoDevice) {
  const std::string text = lsm_describe();
  const std::string reason =
      QuotedAfter(text, "{\"name\":\"cuda\",\"available\":false,\"reason\":\"");
  EXPECT_FALSE(reason.empty());
  EXPECT_EQ(reason.find("this build holds the CPU backend only"), std::string::npos);
  EXPECT_FALSE(QuotedAfter(text, "\"architectures\":\"").empty());
  EXPECT_EQ(text.find("\"type\":\"cuda\""), std::string::npos) << text;
  lsm_context_options options{};
  options.device = {LSM_CUDA, 0};
  lsm_context context = nullptr;
  EXPECT_TRUE(Fails(lsm_context_create(&options, &context), LSM_UNSUPPORTED, {"cuda:0", reason}));
}

TEST_F(Driverless, TheCpuComputes) {
  const Problem problem = RandomClip(20, 24, 8, 1);
  Call call(problem, SingleTypes(DType::kF32));
  EXPECT_EQ(call.Run(Context()), LSM_OK) << lsm_last_error();
}

}  // namespace
}  // namespace lossmith_test
