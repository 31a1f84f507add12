// The small problems of label_golden_scores.h, and one with every option for each loss.
#ifndef LOSSMITH_TESTS_SUPPORT_LABEL_GOLDEN_H_
#define LOSSMITH_TESTS_SUPPORT_LABEL_GOLDEN_H_

#include <vector>

#include "support/label_golden_scores.h"

namespace lossmith_test::labels {

// Every option at once: a scale, a bias, a cap, row weights, upstream, ignored labels and candidates;
// positives that are ignored, no candidates, repeated or too light.
inline Problem GoldenOptions(int32_t loss) {
  Problem problem;
  problem.n = 3;
  problem.l = 6;
  problem.d = 2;
  lsm_label_defaults(loss, &problem.options);
  problem.options.softcap = 2.5;
  problem.options.weighted = 1;
  problem.options.k = 0;
  problem.x = {1, -0.5, 0.25, 0.75, -0.625, 0.375};
  problem.labels = {0.5, 0.25, -0.75, 0.5, 1, 0.125, 0.375, -1, -0.25, -0.625, 0.875, 0.75};
  problem.log_scale = {0.5};
  problem.bias = {0.25, -0.5, 0.125, 1, -0.375, 0.75};
  problem.row_weight = {1.5, 0.5, 2};
  problem.upstream = {-0.75};
  problem.ignored.Add({4, 4});
  problem.ignored.Add({});
  problem.ignored.Add({1, 0});
  problem.candidates = {0, 1, 2, 4, 5};
  if (loss != LSM_SOFTMAX_CE) {
    problem.positives.Add({5, 2, 3}, {1.5, 0.5, 2});
    problem.positives.Add({1, 1, 0}, {0.25, 9, 1e-9});
    problem.positives.Add({2, 5, 0}, {1, 0.75, 1});
    return problem;
  }
  problem.options.label_smoothing = 0.125;
  problem.options.z_weight = 0.0625;
  problem.class_weight = {1, 0.5, 2, 1, 0.25, 1.5};
  return problem;
}

inline Golden GoldenDecoupledSoftmaxWithOptions() {
  Golden golden{"decoupled softmax with options", GoldenOptions(LSM_DECOUPLED_SOFTMAX), {}};
  golden.expected[kLoss] = {0.72018792051554705};
  golden.expected[kRowLoss] = {0.70980789950462175, 0.31864563636568273, 1.1321102256763367};
  golden.expected[kGradX] = {0.053824171007833505, 0.043507157739178232, -0.061188846546933771,
                             0.010171930318675177, 0.37469892216782981,  0.29648894634328547};
  golden.expected[kGradLabels] = {-0.19474648458329326,
                                  0.089209162887649856,
                                  0.0033011462374616926,
                                  0.039667316185158182,
                                  -0.097950253081182049,
                                  0.054514143436393014,
                                  0,
                                  0,
                                  0.19918827088245266,
                                  -0.12059781672484928,
                                  0.059356063757422332,
                                  -0.036353504598562886};
  golden.expected[kGradLogScale] = {-0.098601143235644256};
  golden.expected[kGradBias] = {-0.12236408331403747, 0.023482732111576694, 0.14626077579633586, 0,
                                -0.19432562075605353, 0.12200159165499262};
  return golden;
}

inline Golden GoldenSoftTopKWithOptions() {
  Golden golden{"soft top-k with options", GoldenOptions(LSM_SOFT_TOP_K), {}};
  golden.problem.options.alpha = 1.5;
  golden.expected[kLoss] = {0.53759819616019762};
  golden.expected[kRowLoss] = {0.4879865665452962, 0.34867604437881773, 0.77613197755647893};
  golden.expected[kThreshold] = {-0.77325056508658715, -1.6268259717747123, 0.8509114649736371};
  golden.expected[kGradX] = {0.022860494617081234, 0.036468487739994661, -0.087188516662959525,
                             0.015808969041667761, 0.1596730633217503,   0.09538320984566829};
  golden.expected[kGradLabels] = {-0.089681008089944005,
                                  0.029946240400992629,
                                  0.012035714785492932,
                                  0.051428338038154367,
                                  -0.095702694881872435,
                                  0.0418548145650874,
                                  0,
                                  0,
                                  0.083765540170216257,
                                  -0.051448954235254209,
                                  0.08203322392430356,
                                  -0.05492932097815473};
  golden.expected[kGradLogScale] = {-0.069341112521373487};
  golden.expected[kGradBias] = {-0.062137561760987782, 0.037165354725545396,
                                0.064777384874027108,  0,
                                -0.082412596021936852, 0.035876518663456609};
  return golden;
}

inline Golden GoldenPlainSoftTopK() {
  Golden golden{"plain soft top-k, summed", GoldenOptions(LSM_SOFT_TOP_K), {}};
  golden.problem.options.plain = 1;
  golden.problem.options.average = 0;
  golden.problem.options.reduction = LSM_SUM;
  golden.problem.options.k = 2;
  golden.expected[kLoss] = {-4.5619949095925273};
  golden.expected[kRowLoss] = {-2.2461061080092262, -0.016960097369777221, -2.2989287042135239};
  golden.expected[kThreshold] = {-0.86467242455152686, -0.73532383476982727, 0.75674800682547172};
  golden.expected[kGradX] = {0.096455230211829315,  0.19652990355978417, -0.041869950250156558,
                             0.0093315226835605541, 0.72655986913944434, 0.51430805468672018};
  golden.expected[kGradLabels] = {-0.49798976645645661,
                                  0.23937893455640389,
                                  0.0013849186948333335,
                                  0.025926328302210116,
                                  -0.35578951125469967,
                                  0.19901066339083917,
                                  0,
                                  0,
                                  0.38482539098159257,
                                  -0.23163754018622824,
                                  0.38161972078467266,
                                  -0.18781131012020691};
  golden.expected[kGradLogScale] = {-0.26651296482256414};
  golden.expected[kGradBias] = {-0.307045233886133,  0.014678662078664448, 0.26576093807575674, 0,
                                -0.3741537967205033, 0.31888081012777854};
  return golden;
}

inline Golden GoldenMultiLabelInfoNceWithOptions() {
  Golden golden{"multi-label InfoNCE, not reduced", GoldenOptions(LSM_MULTI_LABEL_INFONCE), {}};
  golden.problem.options.reduction = LSM_NONE;
  golden.problem.upstream = {-0.75, 0.5, 1.25};
  golden.expected[kRowLoss] = {2.9109432987386093, 0.31864563636568273, 4.228761782622814};
  golden.expected[kGradX] = {0.15380603491241778,   0.48646553818784261, 0.12237769309386754,
                             -0.020343860637350354, -2.0967149149488496, -0.68278409356059972};
  golden.expected[kGradLabels] = {-0.69748327346797009,
                                  0.36506979554197859,
                                  -0.054642524353524736,
                                  -0.055314516431015688,
                                  1.2042365540331172,
                                  -0.74273692566022325,
                                  0,
                                  0,
                                  -1.0868703244405656,
                                  0.6542919030550947,
                                  0.37331758669085549,
                                  -0.10182711361357824};
  golden.expected[kGradLogScale] = {0.98031258037175667};
  golden.expected[kGradBias] = {-0.41455625090902218, -0.076103337757229348, -1.7237640424964078, 0,
                                1.0567993826550105,   1.1816646039463457};
  return golden;
}

inline Golden GoldenBceWithOptions() {
  Golden golden{"BCE with options", GoldenOptions(LSM_BCE), {}};
  golden.expected[kLoss] = {0.8990959708120832};
  golden.expected[kRowLoss] = {0.68246286514809878, 0.49934447214691432, 1.5154805751412365};
  golden.expected[kGradX] = {-0.0056107786841916496, 0.021926389916241892, -0.046543726629146557,
                             -0.023108217004443476,  0.23608884101507388,  0.11876573828317911};
  golden.expected[kGradLabels] = {-0.1021375130341552,
                                  0.02878857771255007,
                                  -0.013974226904361379,
                                  -0.00027451239645419034,
                                  -0.14442380564648468,
                                  0.060693080740238753,
                                  0,
                                  0,
                                  0.060449189382132731,
                                  -0.043251464561350727,
                                  0.040367946691342813,
                                  -0.033914526038061143};
  golden.expected[kGradLogScale] = {-0.14855944183116085};
  golden.expected[kGradBias] = {-0.073532628775292863, -0.012250995963183903,
                                0.068613758216758263,  0,
                                -0.065250274551700474, 0.061958348042918679};
  return golden;
}

inline Golden GoldenSoftmaxCeWithOptions() {
  Golden golden{"softmax CE with options", GoldenOptions(LSM_SOFTMAX_CE), {}};
  golden.problem.target = {2, 1, 5};
  golden.expected[kLoss] = {1.5238244796407747};
  golden.expected[kRowLoss] = {3.2757082628069706, 0.83341005242851718, 1.9861796033276109};
  golden.expected[kGradX] = {-0.0172531500832866,    -0.1974154692727931, -0.099342638985564592,
                             -0.0017415073033120963, 0.19945150286343181, 0.35046566128537081};
  golden.expected[kGradLabels] = {-0.18572142824658249,
                                  0.074792780614375843,
                                  0.0098818572980880535,
                                  0.046492390967237519,
                                  0.35483952026813878,
                                  -0.1985334564724508,
                                  0,
                                  0,
                                  0.14275523423187155,
                                  -0.087780179943549331,
                                  -0.44071383283729856,
                                  0.20911454146406911};
  golden.expected[kGradLogScale] = {0.062080228021603903};
  golden.expected[kGradBias] = {-0.12203895950929201, 0.03273297966454457,  0.093188071680263234, 0,
                                -0.14054352718761072, 0.0085711905996304496};
  return golden;
}

inline Golden GoldenSoftTargets() {
  Golden golden{"softmax CE with soft targets", GoldenOptions(LSM_SOFTMAX_CE), {}};
  golden.problem.soft_target = {0.5, 0,   0.25, 1,    0,    0.25,  0, 1,     0,
                                0,   0.5, 0,    0.25, 0.25, 0.125, 0, 0.375, 0};
  golden.expected[kLoss] = {1.8098329020563553};
  golden.expected[kRowLoss] = {2.9615508273259951, 1.0256178925737542, 1.4423299862693165};
  golden.expected[kGradX] = {-0.12092080992823128,  -0.07157698021185718,  -0.14684970056226517,
                             -0.020152918102918001, -0.027139412991804016, -0.11355173365210888};
  golden.expected[kGradLabels] = {0.055669507149616044,
                                  -0.055497116325943812,
                                  0.015566452243163186,
                                  0.059262154602739067,
                                  -0.162135538482374,
                                  0.068330178581527318,
                                  0,
                                  0,
                                  0.028306222772891208,
                                  -0.0043449547278046914,
                                  0.014149803239132697,
                                  -0.065229021117670892};
  golden.expected[kGradLogScale] = {-0.1625792005397208};
  golden.expected[kGradBias] = {0.01938405907277101, 0.044297312549636873, 0.033790540588650066, 0,
                                -0.0155451586043515, -0.22059175521076313};
  return golden;
}

inline std::vector<Golden> Goldens() {
  return {GoldenDecoupledSoftmax(),
          GoldenSoftTopK(),
          GoldenMultiLabelInfoNce(),
          GoldenBce(),
          GoldenNormalisedSoftmax(false),
          GoldenNormalisedSoftmax(true),
          GoldenDecoupledSoftmaxWithOptions(),
          GoldenSoftTopKWithOptions(),
          GoldenPlainSoftTopK(),
          GoldenMultiLabelInfoNceWithOptions(),
          GoldenBceWithOptions(),
          GoldenSoftmaxCeWithOptions(),
          GoldenSoftTargets()};
}

}  // namespace lossmith_test::labels

#endif  // LOSSMITH_TESTS_SUPPORT_LABEL_GOLDEN_H_
