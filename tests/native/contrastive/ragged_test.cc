// Sizes around the edges of vectors, tiles and chunks, in f64 against the oracle.
#include <gtest/gtest.h>

#include "oracle/contrastive_oracle.h"
#include "support/call.h"
#include "support/compare.h"
#include "support/context.h"
#include "support/random.h"

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

// Several blocks of rows and columns, several chunks of references and of their width, with every
// option; with eight threads two blocks of rows run side by side.
TEST(Ragged, SeveralBlocksWithEveryOption) {
  Problem clip = RandomClip(2100, 2300, 3, 5);
  Problem by_reference = RandomCwcl(1100, 1200, 3, 130, 6);
  Problem by_weights = RandomCwcl(1100, 4200, 3, 1, 7);
  by_weights.r = 0;
  by_weights.reference.clear();
  by_weights.reference_y.clear();
  by_weights.weights = Random(8).Uniforms(1100 * 4200, 0, 1);
  for (Problem* problem : {&clip, &by_reference, &by_weights}) {
    problem->options.reduction = LSM_NONE;
    for (int options : {0, 1}) {
      if (options) AddEveryOption(problem, 9);
      const Result oracle = Oracle(*problem);
      for (int threads : {2, 8}) {
        EXPECT_TRUE(
            NearInDouble(Evaluate(*problem, Types{}, Context(threads, int64_t{256} << 20)), oracle))
            << "r " << problem->r << ", options " << options << ", threads " << threads;
      }
    }
  }
}

}  // namespace
}  // namespace lossmith_test
