// Streams and events: work runs when something waits for it, after what it must wait for.
#include <algorithm>
#include <string>

#include "testing.h"

namespace lossmith_test {
namespace {

// Streams that write down in which order their work runs.
class Streams : public Simt {
 protected:
  cudaStream_t Make(unsigned flags = cudaStreamDefault) {
    cudaStream_t stream = nullptr;
    EXPECT_EQ(cudaStreamCreateWithFlags(&stream, flags), cudaSuccess);
    streams_.push_back(stream);
    return stream;
  }
  cudaEvent_t MakeEvent(unsigned flags = cudaEventDefault) {
    cudaEvent_t event = nullptr;
    EXPECT_EQ(cudaEventCreateWithFlags(&event, flags), cudaSuccess);
    events_.push_back(event);
    return event;
  }
  void Write(cudaStream_t stream, char letter) {
    std::string* const to = &log_;
    EXPECT_EQ(simt::launch(stream, "writer", 1, 1, 0, [=] { to->push_back(letter); }), cudaSuccess);
  }
  void TearDown() override {
    cudaDeviceSynchronize();
    for (cudaEvent_t event : events_) cudaEventDestroy(event);
    for (cudaStream_t stream : streams_) cudaStreamDestroy(stream);
    Simt::TearDown();
  }

  std::string log_;
  std::vector<cudaStream_t> streams_;
  std::vector<cudaEvent_t> events_;
};

TEST_F(Streams, RunNothingBeforeSomebodyWaits) {
  const cudaStream_t a = Make(cudaStreamNonBlocking), b = Make(cudaStreamNonBlocking);
  Write(a, 'a');
  Write(b, 'b');
  Write(a, 'c');
  EXPECT_EQ(log_, "");
  EXPECT_EQ(cudaStreamSynchronize(b), cudaSuccess);
  EXPECT_EQ(log_, "b");
  EXPECT_EQ(cudaStreamSynchronize(a), cudaSuccess);
  EXPECT_EQ(log_, "bac");
  Write(a, 'd');
  EXPECT_EQ(cudaDeviceSynchronize(), cudaSuccess);
  EXPECT_EQ(log_, "bacd");
}

TEST_F(Streams, RunAtOnceWhereWorkIsNotDeferred) {
  simt::set_deferred(false);
  Write(Make(), 'a');
  EXPECT_EQ(log_, "a");
}

TEST_F(Streams, TheLegacyStreamWaitsForBlockingStreamsAndTheyForIt) {
  const cudaStream_t a = Make(), b = Make(), free = Make(cudaStreamNonBlocking);
  Write(a, 'a');
  Write(free, 'x');
  Write(nullptr, 'L');
  Write(b, 'b');
  EXPECT_EQ(cudaStreamSynchronize(b), cudaSuccess);
  EXPECT_EQ(log_, "aLb");
  Write(b, 'c');
  Write(cudaStreamLegacy, 'M');
  EXPECT_EQ(cudaStreamSynchronize(nullptr), cudaSuccess);
  EXPECT_EQ(log_, "aLbcM");
  EXPECT_EQ(cudaStreamSynchronize(free), cudaSuccess);
  EXPECT_EQ(log_, "aLbcMx");
}

TEST_F(Streams, WaitForEventsOfOthers) {
  const cudaStream_t a = Make(cudaStreamNonBlocking), b = Make(cudaStreamNonBlocking);
  const cudaEvent_t event = MakeEvent();
  Write(a, 'a');
  EXPECT_EQ(cudaEventRecord(event, a), cudaSuccess);
  Write(a, 'c');
  EXPECT_EQ(cudaStreamWaitEvent(b, event), cudaSuccess);
  // The wait is for the record above, whatever comes later.
  EXPECT_EQ(cudaEventRecord(event, a), cudaSuccess);
  Write(b, 'b');
  EXPECT_EQ(cudaStreamSynchronize(b), cudaSuccess);
  EXPECT_EQ(log_, "ab");
  EXPECT_EQ(cudaEventSynchronize(event), cudaSuccess);
  EXPECT_EQ(log_, "abc");
}

TEST_F(Streams, AnEventNeverRecordedIsPassed) {
  const cudaStream_t a = Make();
  const cudaEvent_t event = MakeEvent();
  EXPECT_EQ(cudaEventQuery(event), cudaSuccess);
  EXPECT_EQ(cudaEventSynchronize(event), cudaSuccess);
  EXPECT_EQ(cudaStreamWaitEvent(a, event), cudaSuccess);
  Write(a, 'a');
  EXPECT_EQ(cudaStreamSynchronize(a), cudaSuccess);
  EXPECT_EQ(log_, "a");
}

TEST_F(Streams, PollsSeeProgressInTheEnd) {
  const cudaStream_t a = Make();
  const cudaEvent_t event = MakeEvent();
  EXPECT_EQ(cudaStreamQuery(a), cudaSuccess);
  Write(a, 'a');
  EXPECT_EQ(cudaEventRecord(event, a), cudaSuccess);
  Write(a, 'b');
  EXPECT_EQ(cudaEventQuery(event), cudaErrorNotReady);
  EXPECT_EQ(cudaEventQuery(event), cudaErrorNotReady);
  EXPECT_EQ(log_, "");
  EXPECT_EQ(cudaEventQuery(event), cudaSuccess);
  EXPECT_EQ(log_, "a");
  EXPECT_EQ(cudaStreamQuery(a), cudaErrorNotReady);
  EXPECT_EQ(cudaStreamQuery(a), cudaErrorNotReady);
  EXPECT_EQ(cudaStreamQuery(a), cudaSuccess);
  EXPECT_EQ(log_, "ab");
  EXPECT_EQ(cudaGetLastError(), cudaErrorNotReady);
}

TEST_F(Streams, TimesLieBetweenEvents) {
  const cudaEvent_t start = MakeEvent(), end = MakeEvent();
  const cudaEvent_t without = MakeEvent(cudaEventDisableTiming);
  float ms = -1;
  EXPECT_EQ(cudaEventElapsedTime(&ms, start, end), cudaErrorInvalidResourceHandle);
  EXPECT_EQ(cudaEventRecord(start), cudaSuccess);
  Write(nullptr, 'a');
  EXPECT_EQ(cudaEventRecord(end), cudaSuccess);
  EXPECT_EQ(cudaEventRecord(without), cudaSuccess);
  EXPECT_EQ(cudaEventElapsedTime(&ms, start, end), cudaErrorNotReady);
  EXPECT_EQ(cudaEventSynchronize(end), cudaSuccess);
  EXPECT_EQ(cudaEventElapsedTime(&ms, start, end), cudaSuccess);
  EXPECT_GE(ms, 0.0f);
  EXPECT_EQ(cudaEventElapsedTime(&ms, start, without), cudaErrorInvalidResourceHandle);
  cudaGetLastError();
}

TEST_F(Streams, DestroyedOnesFinishTheirWork) {
  cudaStream_t a = nullptr;
  EXPECT_EQ(cudaStreamCreateWithFlags(&a, cudaStreamNonBlocking), cudaSuccess);
  Write(a, 'a');
  EXPECT_EQ(cudaStreamDestroy(a), cudaSuccess);
  EXPECT_EQ(log_, "");
  EXPECT_EQ(cudaDeviceSynchronize(), cudaSuccess);
  EXPECT_EQ(log_, "a");
  EXPECT_EQ(cudaStreamSynchronize(a), cudaErrorInvalidResourceHandle);
  EXPECT_EQ(cudaStreamDestroy(nullptr), cudaErrorInvalidResourceHandle);
  cudaGetLastError();
}

TEST_F(Streams, FunctionsOfTheHostTakeTheirTurnAndCallNoCuda) {
  struct Note {
    std::string* log;
    cudaError_t error;
  } note = {&log_, cudaSuccess};
  const cudaStream_t a = Make();
  Write(a, 'a');
  EXPECT_EQ(cudaLaunchHostFunc(
                a,
                [](void* data) {
                  Note& n = *static_cast<Note*>(data);
                  n.log->push_back('h');
                  n.error = cudaDeviceSynchronize();
                },
                &note),
            cudaSuccess);
  Write(a, 'b');
  EXPECT_EQ(cudaStreamSynchronize(a), cudaSuccess);
  EXPECT_EQ(log_, "ahb");
  EXPECT_EQ(note.error, cudaErrorNotPermitted);
  cudaGetLastError();
}

TEST_F(Streams, OfAnotherDeviceTakeNoKernels) {
  simt::set_device_count(2);
  const cudaStream_t a = Make();
  EXPECT_EQ(cudaSetDevice(1), cudaSuccess);
  EXPECT_EQ(simt::launch(a, "writer", 1, 1, 0, [] {}), cudaErrorInvalidResourceHandle);
  const cudaEvent_t event = MakeEvent();
  EXPECT_EQ(cudaEventRecord(event, a), cudaErrorInvalidResourceHandle);
  int device = -1;
  EXPECT_EQ(cudaStreamGetDevice(a, &device), cudaSuccess);
  EXPECT_EQ(device, 0);
  // Events reach across devices.
  const cudaStream_t b = Make(cudaStreamNonBlocking);
  EXPECT_EQ(cudaSetDevice(0), cudaSuccess);
  const cudaEvent_t first = MakeEvent();
  Write(a, 'a');
  EXPECT_EQ(cudaEventRecord(first, a), cudaSuccess);
  EXPECT_EQ(cudaSetDevice(1), cudaSuccess);
  EXPECT_EQ(cudaStreamWaitEvent(b, first), cudaSuccess);
  Write(b, 'b');
  EXPECT_EQ(cudaStreamSynchronize(b), cudaSuccess);
  EXPECT_EQ(log_, "ab");
  EXPECT_EQ(cudaSetDevice(0), cudaSuccess);
  cudaGetLastError();
}

TEST_F(Streams, CanCapture) {
  const cudaStream_t a = Make();
  cudaStreamCaptureStatus status = cudaStreamCaptureStatusActive;
  EXPECT_EQ(cudaStreamIsCapturing(a, &status), cudaSuccess);
  EXPECT_EQ(status, cudaStreamCaptureStatusNone);
  simt::set_capturing(a, cudaStreamCaptureStatusActive);
  EXPECT_EQ(cudaStreamIsCapturing(a, &status), cudaSuccess);
  EXPECT_EQ(status, cudaStreamCaptureStatusActive);
  EXPECT_EQ(cudaStreamSynchronize(a), cudaErrorStreamCaptureUnsupported);
  simt::set_capturing(a, cudaStreamCaptureStatusNone);
  EXPECT_EQ(cudaStreamSynchronize(a), cudaSuccess);
  cudaGetLastError();
}

TEST_F(Streams, IndependentOnesRunInTheOrderOfTheSeed) {
  std::vector<std::string> orders;
  for (std::uint64_t seed = 0; seed < 12; ++seed) {
    simt::set_schedule_seed(seed);
    log_.clear();
    const cudaStream_t a = Make(cudaStreamNonBlocking), b = Make(cudaStreamNonBlocking);
    for (const char letter : {'a', 'b', 'c'}) Write(a, letter);
    for (const char letter : {'x', 'y', 'z'}) Write(b, letter);
    EXPECT_EQ(cudaDeviceSynchronize(), cudaSuccess);
    std::string letters, others;
    for (const char c : log_) (c < 'n' ? letters : others).push_back(c);
    EXPECT_EQ(letters + others, "abcxyz");
    if (seed == 0) {
      EXPECT_EQ(log_, "abcxyz");
    }
    orders.push_back(log_);
  }
  std::sort(orders.begin(), orders.end());
  EXPECT_GT(std::unique(orders.begin(), orders.end()) - orders.begin(), 3);
}

}  // namespace
}  // namespace lossmith_test
