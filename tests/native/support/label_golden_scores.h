// Small problems of the label losses with results that were computed outside of this project's
// code: each loss evaluated as its formula stands with 60 digits, derivatives by central
// differences.
#ifndef LOSSMITH_TESTS_SUPPORT_LABEL_GOLDEN_SCORES_H_
#define LOSSMITH_TESTS_SUPPORT_LABEL_GOLDEN_SCORES_H_

#include <cmath>

#include "support/label_problem.h"

namespace lossmith_test::labels {

struct Golden {
  const char* name;
  Problem problem;
  Result expected;
};

// Given scores of two rows: the example of the paper on decoupled softmax and soft top-k.
inline Problem GoldenScores(int32_t loss) {
  Problem problem;
  problem.n = 2;
  problem.l = 5;
  lsm_label_defaults(loss, &problem.options);
  problem.options.k = 2;
  problem.x = {2, 0.5, -1, 1, 0, -0.5, 1.5, 0.3, 2.2, -2};
  problem.positives.Add({0, 3});
  problem.positives.Add({1});
  problem.log_scale = {0};
  return problem;
}

inline Golden GoldenDecoupledSoftmax() {
  Golden golden{"decoupled softmax of scores", GoldenScores(LSM_DECOUPLED_SOFTMAX), {}};
  golden.expected[kLoss] = {0.89581426107694975};
  golden.expected[kRowLoss] = {0.54445842578180664, 1.2471700963720929};
  golden.expected[kGradX] = {-0.072475019278456451, 0.11148367254780377,  0.024875369709526564,
                             -0.1315022884364805,   0.067618265457606618, 0.019442045254247719,
                             -0.35634163693841519,  0.043269067446931042, 0.28929241756604311,
                             0.0043381066711933137};
  golden.expected[kGradLogScale] = {-0.14907151292677719};
  return golden;
}

inline Golden GoldenSoftTopK() {
  Golden golden{"soft top-k of scores", GoldenScores(LSM_SOFT_TOP_K), {}};
  golden.expected[kLoss] = {0.29084892099336841};
  golden.expected[kRowLoss] = {0.32265223989817777, 0.25904560208855905};
  golden.expected[kThreshold] = {-0.84553956445702804, -0.8907830511063234};
  golden.expected[kGradX] = {-0.015188087746967579, 0.081156427701329878, 0.0086660260333676862,
                             -0.12259353306509433,  0.047959167077364342, 0.026271957899211092,
                             -0.14396620894471803,  0.085930608886923748, 0.030297636608786824,
                             0.0014660055497963704};
  golden.expected[kGradLogScale] = {-0.26064084100259944};
  return golden;
}

inline Golden GoldenMultiLabelInfoNce() {
  Golden golden{"multi-label InfoNCE of scores", GoldenScores(LSM_MULTI_LABEL_INFONCE), {}};
  golden.expected[kLoss] = {1.6980229878138426};
  golden.expected[kRowLoss] = {2.1488758792555922, 1.2471700963720929};
  golden.expected[kGradX] = {0.063021231814184495, 0.12562701762166522,  0.028031176560891777,
                             -0.29287606387254073, 0.076196637875799231, 0.019442045254247719,
                             -0.35634163693841519, 0.043269067446931042, 0.28929241756604311,
                             0.0043381066711933137};
  golden.expected[kGradLogScale] = {-0.03553692049199001};
  return golden;
}

inline Golden GoldenBce() {
  Golden golden{"BCE of scores", GoldenScores(LSM_BCE), {}};
  golden.expected[kLoss] = {0.63825323882625248};
  golden.expected[kRowLoss] = {0.48413511016389403, 0.79237136748861092};
  golden.expected[kGradX] = {-0.011920292202211756,
                             0.062245933120185456,
                             0.026894142136999512,
                             -0.026894142136999512,
                             0.05,
                             0.037754066879814544,
                             -0.018242552380635634,
                             0.057444251681165899,
                             0.090024951088031485,
                             0.011920292202211756};
  golden.expected[kGradLogScale] = {0.098700819364404996};
  return golden;
}

// Normalised softmax: unit class vectors, scale 10. The class vectors are those of the paper's
// constraint, so that dividing them by their norms changes their gradients alone.
inline Golden GoldenNormalisedSoftmax(bool normalize_labels) {
  Golden golden{normalize_labels ? "normalised softmax" : "projected softmax", {}, {}};
  Problem& problem = golden.problem;
  problem.n = 2;
  problem.l = 4;
  problem.d = 3;
  lsm_label_defaults(LSM_SOFTMAX_CE, &problem.options);
  problem.options.normalize_x = 1;
  problem.options.normalize_labels = normalize_labels ? 1 : 0;
  problem.x = {1, -0.5, 0.3, 0.2, 0.8, -0.4};
  problem.labels = {0.6, 0.8, 0, 0, 1, 0, -0.8, 0, 0.6, 1.0 / 3, 2.0 / 3, 2.0 / 3};
  problem.target = {0, 2};
  problem.log_scale = {std::log(10.0)};
  golden.expected[kLoss] = {7.1450507102062463};
  golden.expected[kRowLoss] = {0.69474760224924805, 13.595353818163245};
  golden.expected[kGradX] = {-0.57681210859799347, -0.28980761445222458, 1.4396943379062706,
                             4.1152688619026584,   -1.1225640234921876,  -0.18749361603304611};
  golden.expected[kGradLabels] = {-1.7363672472217034, 2.7885920891335801,  -1.5024522787670166,
                                  0.66537073563516236, 2.6385377325460037,  -1.3190139194952836,
                                  -1.089279786837771,  -4.3652565178166233, 2.1827186741357065,
                                  2.1602762984243121,  -1.0618733038629605, 0.63874752412659367};
  golden.expected[kGradLogScale] = {6.4466543357886792};
  if (!normalize_labels) return golden;
  golden.expected[kGradLabels] = {-2.4497992410060086,
                                  1.8373494307545065,
                                  -1.5024522787670166,
                                  0.66537073563516236,
                                  0,
                                  -1.3190139194952836,
                                  0.65556424032354158,
                                  -4.3652565178166233,
                                  0.8740856537647221,
                                  2.0142735496519144,
                                  -1.3538788014077557,
                                  0.34674202658179847};
  return golden;
}

}  // namespace lossmith_test::labels

#endif  // LOSSMITH_TESTS_SUPPORT_LABEL_GOLDEN_SCORES_H_
