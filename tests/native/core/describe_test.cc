// What the library says about itself.
#include <gtest/gtest.h>

#include <cctype>
#include <string>

#include "lossmith/device.h"

namespace {

TEST(Describe, TheVersionHasThreeNumbers) {
  const std::string version = lsm_version();
  int dots = 0;
  ASSERT_FALSE(version.empty());
  for (char c : version) {
    dots += c == '.';
    EXPECT_TRUE(c == '.' || std::isdigit(static_cast<unsigned char>(c))) << version;
  }
  EXPECT_EQ(dots, 2) << version;
}

// Reads one JSON value at `position`; false if the text is not JSON.
class JsonReader {
 public:
  explicit JsonReader(const std::string& text) : text_(text) {}

  bool ReadWhole() {
    const bool good = Value();
    Space();
    return good && position_ == text_.size();
  }

 private:
  void Space() {
    while (position_ < text_.size() && std::isspace(static_cast<unsigned char>(text_[position_]))) {
      ++position_;
    }
  }
  bool Take(char c) {
    Space();
    if (position_ >= text_.size() || text_[position_] != c) return false;
    ++position_;
    return true;
  }
  bool Text() {
    if (!Take('"')) return false;
    for (; position_ < text_.size(); ++position_) {
      const char c = text_[position_];
      if (static_cast<unsigned char>(c) < 0x20) return false;
      if (c == '\\') {
        ++position_;
      } else if (c == '"') {
        ++position_;
        return true;
      }
    }
    return false;
  }
  bool Word() {
    const size_t start = position_;
    while (position_ < text_.size() &&
           (std::isalnum(static_cast<unsigned char>(text_[position_])) || text_[position_] == '-' ||
            text_[position_] == '+' || text_[position_] == '.')) {
      ++position_;
    }
    return position_ > start;
  }
  bool Members(char end, bool keys) {
    if (Take(end)) return true;
    do {
      if (keys && !(Text() && Take(':'))) return false;
      if (!Value()) return false;
    } while (Take(','));
    return Take(end);
  }
  bool Value() {
    Space();
    if (position_ >= text_.size()) return false;
    if (text_[position_] == '"') return Text();
    if (Take('{')) return Members('}', true);
    if (Take('[')) return Members(']', false);
    return Word();
  }

  const std::string& text_;
  size_t position_ = 0;
};

TEST(Describe, IsOneJsonObjectWithTheVersionAndTheBackends) {
  const std::string text = lsm_describe();
  EXPECT_EQ(text.front(), '{');
  EXPECT_TRUE(JsonReader(text).ReadWhole()) << text;
  EXPECT_NE(text.find("\"version\""), std::string::npos) << text;
  EXPECT_NE(text.find(lsm_version()), std::string::npos) << text;
  EXPECT_NE(text.find("\"backends\""), std::string::npos) << text;
  EXPECT_EQ(lsm_describe(), std::string(lsm_describe()));
}

TEST(Describe, TheCpuIsOneDevice) {
  EXPECT_EQ(lsm_device_count(LSM_CPU), 1);
  lsm_device_facts facts{};
  ASSERT_EQ(lsm_device_describe(LSM_CPU, 0, &facts), LSM_OK);
  EXPECT_STREQ(facts.name, "cpu");
  EXPECT_EQ(lsm_device_describe(LSM_CPU, 1, &facts), LSM_INVALID_ARGUMENT);
  EXPECT_EQ(lsm_device_describe(LSM_CPU, 0, nullptr), LSM_INVALID_ARGUMENT);
  EXPECT_EQ(lsm_device_synchronize(LSM_CPU, 0), LSM_OK);
  EXPECT_EQ(lsm_device_count(99), 0);
  EXPECT_EQ(lsm_device_describe(99, 0, &facts), LSM_INVALID_ARGUMENT);
}

TEST(Describe, EveryCudaDeviceHasANameMemoryAndCapability) {
  const int count = lsm_device_count(LSM_CUDA);
  lsm_device_facts facts{};
  for (int i = 0; i < count; ++i) {
    ASSERT_EQ(lsm_device_describe(LSM_CUDA, i, &facts), LSM_OK) << lsm_last_error();
    EXPECT_STRNE(facts.name, "");
    EXPECT_GT(facts.memory_bytes, 0);
    EXPECT_GE(facts.capability, 50);
    EXPECT_GT(facts.multiprocessors, 0);
    EXPECT_EQ(lsm_device_synchronize(LSM_CUDA, i), LSM_OK) << lsm_last_error();
  }
  const lsm_status beyond = count == 0 ? LSM_UNSUPPORTED : LSM_INVALID_ARGUMENT;
  EXPECT_EQ(lsm_device_describe(LSM_CUDA, count, &facts), beyond);
  EXPECT_STRNE(lsm_last_error(), "");
  EXPECT_EQ(lsm_device_synchronize(LSM_CUDA, count), beyond);
}

}  // namespace
