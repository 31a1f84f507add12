// Sizes around the edges of vectors, tiles and chunks, in f64 against the oracle.
#include <gtest/gtest.h>

#include "oracle/contrastive_oracle.h"
#include "support/call.h"
#include "support/compare.h"

namespace lossmith_test {
namespace {

void ExpectOracle(const Problem& problem) {
  EXPECT_TRUE(NearInDouble(Evaluate(problem), Oracle(problem)))
      << "n " << problem.n << ", m " << problem.m << ", d " << problem.d << ", r " << problem.r;
}

constexpr int64_t kEdges[] = {1, 2, 3, 7, 8, 15, 16, 17, 31, 32, 33, 63, 64, 65, 127, 128, 129};

TEST(Ragged, EveryEdgeOfTheNumberOfPairs) {
  for (int64_t n : kEdges) {
    ExpectOracle(RandomClip(n, n, 5, n));
    ExpectOracle(RandomCwcl(n, n, 5, 3, n));
  }
}

TEST(Ragged, EveryEdgeOfTheNumberOfCandidates) {
  for (int64_t extra : kEdges) {
    ExpectOracle(RandomClip(19, 19 + extra, 5, extra));
    ExpectOracle(RandomInfoNce(1, 1 + extra, 5, extra));
    ExpectOracle(RandomCwcl(19, 19 + extra, 5, 3, extra));
  }
}

TEST(Ragged, EveryEdgeOfTheWidth) {
  for (int64_t d : kEdges) {
    ExpectOracle(RandomClip(21, 23, d, d));
    ExpectOracle(RandomCwcl(21, 23, 5, d, d));
  }
}

TEST(Ragged, WideRows) {
  for (int64_t d : {255, 513, 1000, 1024}) {
    ExpectOracle(RandomClip(33, 35, d, d));
    ExpectOracle(RandomCwcl(21, 23, d, d + 1, d));
  }
}

TEST(Ragged, ManyPairs) {
  ExpectOracle(RandomClip(1000, 1000, 5, 1));
  ExpectOracle(RandomClip(257, 2049, 4, 2));
  ExpectOracle(RandomCwcl(511, 1025, 4, 6, 3));
  ExpectOracle(RandomInfoNce(1023, 1025, 3, 4));
}

}  // namespace
}  // namespace lossmith_test
