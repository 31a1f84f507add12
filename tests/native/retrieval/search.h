// One call of lsm_top_k on host tensors, and what it has to give: all scores in f64, sorted whole.
#ifndef LOSSMITH_TESTS_RETRIEVAL_SEARCH_H_
#define LOSSMITH_TESTS_RETRIEVAL_SEARCH_H_

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "lossmith/retrieval.h"
#include "support/context.h"
#include "support/host_tensor.h"
#include "support/mirror.h"
#include "support/random.h"

namespace lossmith_test {

using Sets = std::vector<std::vector<int64_t>>;

struct Search {
  // x [rows,width] and labels [count,width] of the type.
  Search(DType dtype, int64_t rows, int64_t count, int64_t width, int64_t k,
         const std::vector<double>& x_values, const std::vector<double>& label_values,
         Layout layout = {})
      : n(rows),
        l(count),
        d(width),
        x(dtype, {n, d}, x_values, layout),
        scores(DType::kF64, {n, k}, layout),
        ids(DType::kI64, {n, k}, layout) {
    labels.emplace(dtype, std::vector<int64_t>{l, d}, label_values, layout);
    lsm_top_k_defaults(&options);
    options.k = k;
  }
  // Given products [rows,count].
  Search(DType dtype, int64_t rows, int64_t count, int64_t k, const std::vector<double>& products)
      : n(rows),
        l(count),
        d(0),
        x(dtype, {n, l}, products),
        scores(DType::kF64, {n, k}),
        ids(DType::kI64, {n, k}) {
    lsm_top_k_defaults(&options);
    options.k = k;
  }

  void Exclude(const Sets& sets, DType id_type) {
    std::vector<double> ends = {0}, all;
    for (const std::vector<int64_t>& set : sets) {
      for (int64_t id : set) all.push_back(static_cast<double>(id));
      ends.push_back(static_cast<double>(all.size()));
    }
    excluded = sets;
    excluded_offsets.emplace(DType::kI64, std::vector<int64_t>{n + 1}, ends);
    excluded_ids.emplace(id_type, std::vector<int64_t>{static_cast<int64_t>(all.size())}, all);
  }

  lsm_status Run(lsm_context context) {
    Mirror device;
    const lsm_status status =
        lsm_top_k(context, &options, device.View(&x), device.View(labels), device.View(bias),
                  device.View(excluded_offsets), device.View(excluded_ids),
                  wants_scores ? device.View(&scores) : nullptr, device.View(&ids));
    device.Return(context);
    return status;
  }

  // <x_i, z_j> / temperature + bias_j, in f64 from the stored elements.
  double Score(int64_t i, int64_t j) const {
    double dot = 0;
    for (int64_t c = 0; labels && c < d; ++c) dot += x.Get(i * d + c) * labels->Get(j * d + c);
    if (!labels) dot = x.Get(i * l + j);
    if (labels && options.normalize_x != 0) dot *= InverseNorm(x, i);
    if (labels && options.normalize_labels != 0) dot *= InverseNorm(*labels, j);
    dot /= options.temperature;
    return bias ? dot + bias->Get(bias->elements() == 1 ? 0 : j) : dot;
  }
  double InverseNorm(const HostTensor& rows, int64_t i) const {
    double square = 0;
    for (int64_t c = 0; c < d; ++c) square += rows.Get(i * d + c) * rows.Get(i * d + c);
    return square > 0 ? 1 / std::sqrt(square) : 0;
  }

  // Ids and scores of row i as they have to be.
  std::vector<std::pair<int64_t, double>> Expected(int64_t i) const {
    std::vector<std::pair<int64_t, double>> all;
    const std::set<int64_t> left_out =
        excluded.empty() ? std::set<int64_t>{}
                         : std::set<int64_t>(excluded[i].begin(), excluded[i].end());
    for (int64_t j = 0; j < l; ++j) {
      if (left_out.count(j) == 0) all.emplace_back(j, Score(i, j));
    }
    std::stable_sort(all.begin(), all.end(), [](const auto& a, const auto& b) {
      if (std::isnan(a.second) || std::isnan(b.second)) return !std::isnan(a.second);
      return a.second > b.second;
    });
    all.resize(options.k, {-1, -std::numeric_limits<double>::infinity()});
    return all;
  }

  // Every id, and every score to the bit.
  void ExpectExact() const {
    for (int64_t i = 0; i < n; ++i) {
      const auto expected = Expected(i);
      for (int64_t c = 0; c < options.k; ++c) {
        const int64_t at = i * options.k + c;
        ASSERT_EQ(ids.Get(at), expected[c].first) << "row " << i << ", place " << c;
        if (!wants_scores) continue;
        if (std::isnan(expected[c].second)) {
          ASSERT_TRUE(std::isnan(scores.Get(at))) << "row " << i << ", place " << c;
        } else {
          ASSERT_EQ(scores.Get(at), expected[c].second) << "row " << i << ", place " << c;
        }
      }
    }
  }

  lsm_top_k_options options{};
  int64_t n, l, d;
  bool wants_scores = true;
  HostTensor x;
  std::optional<HostTensor> labels, bias, excluded_offsets, excluded_ids;
  Sets excluded;
  HostTensor scores, ids;
};

// Small integers: sums of their products are exact in every type, and many are equal.
inline std::vector<double> Integers(Random* random, int64_t count, int64_t largest) {
  std::vector<double> values =
      random->Uniforms(count, -static_cast<double>(largest), largest + 1.0);
  for (double& value : values) value = std::floor(value);
  return values;
}

inline Sets RandomSets(Random* random, int64_t n, int64_t l, int64_t most) {
  Sets sets(n);
  for (std::vector<int64_t>& set : sets) {
    const auto count = static_cast<int64_t>(random->Uniform(0, static_cast<double>(most) + 1));
    for (int64_t e = 0; e < count; ++e) {
      set.push_back(static_cast<int64_t>(random->Uniform(0, static_cast<double>(l))));
    }
  }
  return sets;
}

}  // namespace lossmith_test

#endif  // LOSSMITH_TESTS_RETRIEVAL_SEARCH_H_
