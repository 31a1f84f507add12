// Finding the devices: facts, or the reason why there are none.
#include "cuda/devices.h"

#include <gtest/gtest.h>

#include <cstdlib>

#include "core/status.h"
#include "simt/control.h"

namespace lossmith_test {
namespace {

namespace simt = lossmith::cuda::simt;
using lossmith::cuda::Devices;
using lossmith::cuda::discover_devices;

class FindingDevices : public ::testing::Test {
 protected:
  void TearDown() override {
    simt::reset();
    unsetenv("LOSSMITH_CUDA");
  }
};

std::string MessageOf(const Devices& devices, int index, lsm_status expected) {
  try {
    lossmith::cuda::expect_device(devices, index);
  } catch (const lossmith::Error& e) {
    EXPECT_EQ(e.status(), expected) << e.what();
    return e.what();
  }
  ADD_FAILURE() << "device " << index << " was accepted";
  return "";
}

TEST_F(FindingDevices, ReadsTheFactsOfEachDevice) {
  simt::set_device_count(2);
  simt::set_capability(1, 8, 6);
  simt::set_multiprocessors(1, 28);
  simt::set_memory_limit(1, std::size_t{12} << 30);
  const Devices found = discover_devices();
  ASSERT_EQ(found.list.size(), 2u);
  EXPECT_EQ(found.list[0].capability, 90);
  EXPECT_EQ(found.list[1].capability, 86);
  EXPECT_EQ(found.list[1].multiprocessors, 28);
  EXPECT_EQ(found.list[1].memory, int64_t{12} << 30);
  EXPECT_FALSE(found.list[0].name.empty());
  EXPECT_EQ(found.runtime, 13000);
  EXPECT_EQ(found.reason, "");
  const std::string text = lossmith::cuda::describe_list(found);
  EXPECT_NE(text.find("\"index\":1,"), std::string::npos) << text;
  EXPECT_NE(text.find("\"capability\":\"8.6\",\"memory\":12884901888,\"multiprocessors\":28"),
            std::string::npos)
      << text;
  EXPECT_EQ(lossmith::cuda::describe_backend(found).find("\"name\":\"cuda\",\"available\":true"),
            0u);
}

TEST_F(FindingDevices, AFailureIsTheReason) {
  const struct {
    cudaError_t error;
    const char* reason;
  } kCases[] = {{cudaErrorNoDevice, "cudaErrorNoDevice (no CUDA-capable device is detected)"},
                {cudaErrorNotPermitted, "cudaErrorNotPermitted"},
                {cudaErrorSystemDriverMismatch, "cudaErrorSystemDriverMismatch"}};
  for (const auto& c : kCases) {
    simt::set_device_count(0, c.error);
    const Devices found = discover_devices();
    EXPECT_TRUE(found.list.empty());
    EXPECT_NE(found.reason.find(c.reason), std::string::npos) << found.reason;
    EXPECT_EQ(cudaPeekAtLastError(), cudaSuccess) << "the failure must not reach another call";
    const std::string message = MessageOf(found, 0, LSM_UNSUPPORTED);
    EXPECT_NE(message.find("expected cpu:0, got cuda:0"), std::string::npos) << message;
    EXPECT_NE(message.find(c.reason), std::string::npos) << message;
    const std::string text = lossmith::cuda::describe_backend(found);
    EXPECT_NE(text.find("\"available\":false,\"reason\":\"" + found.reason), std::string::npos)
        << text;
    EXPECT_EQ(lossmith::cuda::describe_list(found), "");
  }
}

TEST_F(FindingDevices, AnOldDriverIsNamedWithBothVersions) {
  simt::set_device_count(0, cudaErrorInsufficientDriver);
  const Devices found = discover_devices();
  const bool no_driver = found.driver == 0;
  EXPECT_NE(found.reason.find(no_driver ? "no NVIDIA driver" : "this build needs CUDA 13.0"),
            std::string::npos)
      << found.reason;
}

TEST_F(FindingDevices, ADeviceThatDoesNotAnswerHidesAll) {
  simt::set_device_count(2);
  simt::fail_call("cudaGetDeviceProperties", 2, cudaErrorUnknown);
  const Devices found = discover_devices();
  EXPECT_TRUE(found.list.empty());
  EXPECT_NE(found.reason.find("cudaErrorUnknown"), std::string::npos) << found.reason;
}

TEST_F(FindingDevices, TheEnvironmentHidesThemWithoutACallOfCuda) {
  setenv("LOSSMITH_CUDA", "off", 1);
  simt::reset_counters();
  const Devices found = discover_devices();
  EXPECT_TRUE(found.list.empty());
  EXPECT_EQ(found.reason, "hidden by LOSSMITH_CUDA=off");
  EXPECT_EQ(simt::counter("cudaDriverGetVersion"), 0u);
  EXPECT_EQ(simt::counter("cudaGetDeviceCount"), 0u);
  setenv("LOSSMITH_CUDA", "on", 1);
  EXPECT_EQ(discover_devices().list.size(), 1u);
}

TEST_F(FindingDevices, AnIndexOutOfRangeSaysTheRange) {
  const Devices one = discover_devices();
  EXPECT_EQ(MessageOf(one, 1, LSM_INVALID_ARGUMENT), "device: expected cuda:0, got cuda:1");
  simt::set_device_count(2);
  const Devices two = discover_devices();
  EXPECT_EQ(MessageOf(two, 7, LSM_INVALID_ARGUMENT),
            "device: expected cuda:0 to cuda:1, got cuda:7");
  EXPECT_EQ(MessageOf(two, -1, LSM_INVALID_ARGUMENT),
            "device: expected cuda:0 to cuda:1, got cuda:-1");
  lossmith::cuda::expect_device(two, 1);
}

TEST(JsonText, QuotesAndEscapes) {
  EXPECT_EQ(lossmith::cuda::json_text("a \"b\"\\\n"), "\"a \\\"b\\\"\\\\\\u000a\"");
}

}  // namespace
}  // namespace lossmith_test
