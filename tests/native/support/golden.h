// Small problems with results that were computed outside of this project's code.
#ifndef LOSSMITH_TESTS_SUPPORT_GOLDEN_H_
#define LOSSMITH_TESTS_SUPPORT_GOLDEN_H_

#include "support/compare.h"
#include "support/problem.h"

namespace lossmith_test {

struct Golden {
  Problem problem;
  Result expected;
  double tolerance;
};

// Three pairs in the plane; temperature 0.5.
inline Problem GoldenProblem() {
  Problem problem;
  problem.n = problem.m = 3;
  problem.d = 2;
  lsm_infonce_defaults(&problem.options);
  problem.x = {1, 0, 0.6, 0.8, -0.8, 0.6};
  problem.y = {0.8, 0.6, 0, 1, -1, 0};
  problem.options.temperature = 0.5;
  return problem;
}

inline Golden GoldenInfoNce() {
  Golden golden{GoldenProblem(), {}, 1e-15};
  golden.problem.bias = {0, 0, 0};
  golden.expected[kLoss] = {0.5591041115449006};
  golden.expected[kRowLoss] = {0.2063800174923074, 0.891152529077293, 0.5797797880651014};
  golden.expected[kGradX] = {-0.11427293925515847, 0.034907969356977736, 0.2846373240346308,
                             -0.16726189968019553, 0.32776398510082283,  0.2760963310048834};
  golden.expected[kGradY] = {0.06718708528333993, 0.3270999761911872, -0.3266384864250502,
                             -0.1644117068559387, 0.2594514011417102, -0.16268826933524858};
  golden.expected[kGradLogScale] = {-0.1738534540562646};
  golden.expected[kGradBias] = {0.14766082049942894, -0.01672529195882448, -0.13093552854060445};
  return golden;
}

inline Golden GoldenClip() {
  Golden golden{GoldenProblem(), {}, 1e-15};
  golden.problem.bias = {0, 0, 0};
  golden.problem.options.row_coefficient = 0.5;
  golden.problem.options.column_coefficient = 0.5;
  golden.expected[kLoss] = {0.5503611361875141};
  golden.expected[kRowLoss] = {0.5598236688047209, 0.7591377931776064, 0.3321219465802149};
  golden.expected[kGradX] = {-0.2251836936194248,  -0.06635770014044227, 0.2710288389063922,
                             -0.12841838694093177, 0.20321903965318017,  0.26664728742220684};
  golden.expected[kGradY] = {-0.06783750520327038, 0.3201423541890584,  -0.3160240591208045,
                             -0.13483174961285632, 0.17087161783551735, -0.08264061156577517};
  golden.expected[kGradLogScale] = {-0.16788795909755488};
  golden.expected[kGradBias] = {0.07383041024971447, -0.008362645979412272, -0.06546776427030225};
  return golden;
}

// Scale 4, coefficients 0.7 and 0.4, smoothing 0.1, one extra negative.
inline Golden GoldenInfoNceWithOptions() {
  Golden golden{GoldenProblem(), {}, 2e-15};
  golden.problem.m = 4;
  golden.problem.y.insert(golden.problem.y.end(), {0.6, -0.8});
  golden.problem.log_scale = {std::log(4.0)};
  golden.problem.bias = {0.3, -0.2, 0.1, 0.5};
  golden.problem.row_weight = {1.5, 0.5, 2};
  golden.problem.options.row_coefficient = 0.7;
  golden.problem.options.column_coefficient = 0.4;
  golden.problem.options.label_smoothing = 0.1;
  golden.expected[kLoss] = {1.1172842966788084};
  golden.expected[kRowLoss] = {1.4979704686541089, 0.6733167673304653, 1.180565654051851};
  golden.expected[kGradX] = {-0.36081143139774347, -0.9034999602228123, 0.7047044154789909,
                             0.11792660494880684,  0.21329824766480374, 0.4925331481076566};
  golden.expected[kGradY] = {-0.3392087287869146,   0.6388326402424013, -0.6362145636947603,
                             -0.020514337957770593, 0.1275334332922191, -0.20098331376513118,
                             0.4837883934659306,    -0.0338449082949616};
  golden.expected[kGradLogScale] = {0.2812337925814471};
  golden.expected[kGradBias] = {-0.02265643135183044, 0.02024899946960987, -0.09748655868040304,
                                0.09989399056262355};
  return golden;
}

// CWCL with the frozen modality as its own reference.
inline Golden GoldenCwcl() {
  Golden golden{GoldenProblem(), {}, 1e-15};
  golden.problem.cwcl = true;
  golden.problem.bias = {0, 0, 0};
  lsm_cwcl_defaults(&golden.problem.options);
  golden.problem.options.temperature = 0.5;
  golden.problem.r = 2;
  golden.problem.reference = golden.problem.x;
  golden.expected[kLoss] = {1.6409053387365844};
  golden.expected[kRowLoss] = {1.982805232346284, 2.015666890703039, 0.92424389316043};
  golden.expected[kGradX] = {-0.16264808899323557, -0.22394347045632312, 0.5014779676678567,
                             -0.01915561446157374, 0.12310474597302701,  0.29996124151108033};
  golden.expected[kGradY] = {0.0743173618283944,   0.429777462001305,    -0.5199962494391682,
                             -0.09321422386339379, 0.019698994633658637, -0.1312232521170576};
  golden.expected[kGradLogScale] = {0.2044071481664462};
  golden.expected[kGradBias] = {0.16878019502269362, -0.0728370387170244, -0.09594315630566934};
  return golden;
}

}  // namespace lossmith_test

#endif  // LOSSMITH_TESTS_SUPPORT_GOLDEN_H_
