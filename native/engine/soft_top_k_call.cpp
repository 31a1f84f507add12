#include "engine/soft_top_k_call.h"

#include <cmath>

#include "core/status.h"
#include "engine/demands.h"

namespace lossmith {
namespace {

void take_options(const lsm_soft_top_k_options* options, LabelCall& c) {
  if (options == nullptr) reject("options", "hyperparameters", "NULL");
  if (!(std::isfinite(options->alpha) && options->alpha > 0)) {
    reject("alpha", "a finite number > 0", options->alpha);
  }
  if (options->k < 0) reject("k", ">= 0", options->k);
  expect_flag(options->plain, "plain");
  lsm_label_defaults(LSM_SOFT_TOP_K, &c.options);
  c.options.alpha = options->alpha;
  c.options.k = options->k;
  c.options.plain = options->plain;
}

void take_like_scores(const View& v, const View& scores, const char* name) {
  if (!v.present()) return;
  expect_type(v, name, scores.type, Type::f32);
  expect_shape(v, name, scores.shape[0], scores.shape[1]);
}

}  // namespace

SoftTopKCall validate(const SoftTopKArguments& a, const lsm_device& device) {
  SoftTopKCall call;
  LabelCall& c = call.rows;
  take_options(a.options, c);
  c.x = view_of(a.scores, "scores", device);
  expect_floating(c.x, "scores");
  expect_shape(c.x, "scores", -1, -1);
  c.n = c.x.shape[0];
  c.l = c.columns = c.x.shape[1];
  c.k_rows = optional_view_of(a.k_rows, "k_rows", device);
  if (c.k_rows.present() != (c.options.k == 0)) {
    reject("k_rows", c.options.k == 0 ? "a tensor where k is 0" : "NULL where k is given",
           c.k_rows.present() ? "a tensor" : "NULL");
  }
  if (c.k_rows.present()) {
    expect_type(c.k_rows, "k_rows", Type::i32, Type::i64);
    expect_vector(c.k_rows, "k_rows", c.n);
  }
  c.ignored = take_sets(a.ignored_offsets, a.ignored_ids, nullptr, kIgnoredNames, c.n, device);
  call.upstream = optional_view_of(a.upstream, "upstream", device);
  call.memberships = optional_view_of(a.memberships, "memberships", device);
  c.threshold = optional_view_of(a.threshold, "threshold", device);
  c.grad_x = optional_view_of(a.grad_scores, "grad_scores", device);
  if (call.upstream.present() != c.grad_x.present()) {
    reject("upstream", "a tensor with grad_scores and only then",
           call.upstream.present() ? "a tensor" : "NULL");
  }
  take_like_scores(call.upstream, c.x, "upstream");
  take_like_scores(call.memberships, c.x, "memberships");
  take_like_scores(c.grad_x, c.x, "grad_scores");
  if (call.memberships.present()) expect_separate_rows(call.memberships, "memberships");
  if (c.grad_x.present()) expect_separate_rows(c.grad_x, "grad_scores");
  if (c.threshold.present()) {
    expect_vector_type(c.threshold, "threshold");
    expect_output_vector(c.threshold, "threshold", c.n);
  }
  expect_disjoint_outputs({{"scores", &c.x, false},
                           {"k_rows", &c.k_rows, false},
                           {"ignored_offsets", &c.ignored.offsets, false},
                           {"ignored_ids", &c.ignored.ids, false},
                           {"upstream", &call.upstream, false},
                           {"memberships", &call.memberships, true},
                           {"threshold", &c.threshold, true},
                           {"grad_scores", &c.grad_x, true}});
  return call;
}

}  // namespace lossmith
