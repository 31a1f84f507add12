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
  ExpectOracle(RandomClip(Size(1000, 300), Size(1000, 300), 5, 1));
  ExpectOracle(RandomClip(Size(257, 129), Size(2049, 513), 4, 2));
  ExpectOracle(RandomCwcl(Size(511, 255), Size(1025, 257), 4, 6, 3));
  ExpectOracle(RandomInfoNce(Size(1023, 255), Size(1025, 257), 3, 4));
}

// Several blocks of rows and columns, several chunks of references and of their width, with every
// option; with eight threads two blocks of rows run side by side.
TEST(Ragged, SeveralBlocksWithEveryOption) {
  Problem clip = RandomClip(Size(2100, 270), Size(2300, 530), 3, 5);
  Problem by_reference = RandomCwcl(Size(1100, 150), Size(1200, 300), 3, 130, 6);
  Problem by_weights = RandomCwcl(Size(1100, 150), Size(4200, 530), 3, 1, 7);
  by_weights.r = 0;
  by_weights.reference.clear();
  by_weights.reference_y.clear();
  by_weights.weights = Random(8).Uniforms(by_weights.n * by_weights.m, 0, 1);
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
