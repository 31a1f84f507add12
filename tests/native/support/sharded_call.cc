#include "support/sharded_call.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "support/mirror.h"

namespace lossmith_test {
namespace {

std::vector<double> Block(const std::vector<double>& rows, int64_t first, int64_t count,
                          int64_t width) {
  if (rows.empty()) return {};
  return {rows.begin() + first * width, rows.begin() + (first + count) * width};
}

// The shard's part of the problem. A reference of the candidates is always given.
Problem Part(const Problem& whole, const lsm_shard& shard, int64_t rows, int64_t columns) {
  Problem part = whole;
  part.n = rows;
  part.m = columns;
  part.x = Block(whole.x, shard.row_offset, rows, whole.d);
  part.y = Block(whole.y, shard.column_offset, columns, whole.d);
  const auto& candidates = whole.reference_y.empty() ? whole.reference : whole.reference_y;
  part.reference = Block(whole.reference, shard.row_offset, rows, whole.r);
  part.reference_y = Block(candidates, shard.column_offset, columns, whole.r);
  if (whole.bias.size() > 1) part.bias = Block(whole.bias, shard.column_offset, columns, 1);
  part.weights.clear();
  for (int64_t i = 0; i < rows && !whole.weights.empty(); ++i) {
    const auto row =
        Block(whole.weights, (shard.row_offset + i) * whole.m + shard.column_offset, columns, 1);
    part.weights.insert(part.weights.end(), row.begin(), row.end());
  }
  return part;
}

// What differs in a shard: row losses are of the whole batch, and a bias stays one if the shard has
// no candidates.
Call ShardTensors(Call call, const Problem& whole, const Types& types, int64_t columns) {
  const int64_t rows = whole.n;
  if (whole.bias.size() > 1 && columns == 0) {
    call.inputs[kBias].emplace(types.vectors, std::vector<int64_t>{0});
  }
  call.outputs[kRowLoss].emplace(types.losses, std::vector<int64_t>{rows});
  return call;
}

void Add(std::vector<double>* sum, const std::vector<double>& part, int64_t first) {
  for (size_t i = 0; i < part.size(); ++i) (*sum)[first + i] += part[i];
}

// Statistics of the shards that hold the same rows (or columns), merged for all of them.
void Merge(const std::vector<HostTensor*>& parts, lsm_context context) {
  const int64_t count = static_cast<int64_t>(parts.size());
  const int64_t length = parts[0]->elements();
  HostTensor stacked(parts[0]->dtype(), {count, length});
  HostTensor merged(parts[0]->dtype(), {length});
  for (int64_t p = 0; p < count; ++p) {
    for (int64_t i = 0; i < length; ++i) stacked.Set(p * length + i, parts[p]->Get(i));
  }
  Mirror device;
  ASSERT_EQ(lsm_merge_logsumexp(context, device.View(&stacked), device.View(&merged)), LSM_OK)
      << lsm_last_error();
  device.Return(context);
  for (HostTensor* part : parts) *part = merged;
}

void Sum(const std::vector<HostTensor*>& parts) {
  for (int64_t i = 0; i < parts[0]->elements(); ++i) {
    double sum = 0;
    for (HostTensor* part : parts) sum += part->Get(i);
    for (HostTensor* part : parts) part->Set(i, sum);
  }
}

}  // namespace

ShardCall::ShardCall(const Problem& problem, const Types& types, DType statistics, lsm_shard where,
                     int64_t rows, int64_t columns)
    : options(problem.options),
      shard(where),
      call(ShardTensors(Call(Part(problem, where, rows, columns), types, EveryOutput(problem)),
                        problem, types, columns)),
      row_lse(statistics, {rows}),
      column_lse(statistics, {columns}),
      weight_sum(statistics, {rows}) {}

lsm_status ShardCall::Statistics(lsm_context context) {
  Mirror device;
  const auto in = [&](Input input) { return device.View(call.inputs[input]); };
  const bool both = options.column_coefficient > 0;
  lsm_tensor* rows = device.View(&row_lse);
  lsm_tensor* columns = device.View(both ? &column_lse : nullptr);
  const lsm_status status =
      call.cwcl ? lsm_cwcl_statistics(context, &options, &shard, in(kX), in(kY), in(kReference),
                                      in(kReferenceY), in(kWeights), in(kLogScale), in(kBias), rows,
                                      columns, device.View(&weight_sum))
                : lsm_infonce_statistics(context, &options, &shard, in(kX), in(kY), in(kLogScale),
                                         in(kBias), rows, columns);
  device.Return(context);
  return status;
}

lsm_status ShardCall::Gradients(lsm_context context) {
  Mirror device;
  const auto in = [&](Input input) { return device.View(call.inputs[input]); };
  const auto out = [&](Output output) { return device.View(call.outputs[output]); };
  const bool both = options.column_coefficient > 0;
  lsm_tensor* rows = device.View(&row_lse);
  lsm_tensor* columns = device.View(both ? &column_lse : nullptr);
  const lsm_status status =
      call.cwcl ? lsm_cwcl_gradients(context, &options, &shard, in(kX), in(kY), in(kReference),
                                     in(kReferenceY), in(kWeights), in(kLogScale), in(kBias),
                                     in(kRowWeight), in(kUpstream), rows, columns,
                                     device.View(&weight_sum), out(kLoss), out(kRowLoss),
                                     out(kGradX), out(kGradY), out(kGradLogScale), out(kGradBias))
                : lsm_infonce_gradients(context, &options, &shard, in(kX), in(kY), in(kLogScale),
                                        in(kBias), in(kRowWeight), in(kUpstream), rows, columns,
                                        out(kLoss), out(kRowLoss), out(kGradX), out(kGradY),
                                        out(kGradLogScale), out(kGradBias));
  device.Return(context);
  return status;
}

Result EvaluateSharded(const Problem& problem, const Types& types, DType statistics,
                       const Split& split, lsm_context context) {
  const size_t row_blocks = split.row_ends.size();
  const size_t column_blocks = split.column_ends.size();
  std::vector<ShardCall> shards;
  for (size_t r = 0; r < row_blocks; ++r) {
    for (size_t c = 0; c < column_blocks; ++c) {
      const int64_t row = r == 0 ? 0 : split.row_ends[r - 1];
      const int64_t column = c == 0 ? 0 : split.column_ends[c - 1];
      shards.emplace_back(problem, types, statistics, lsm_shard{row, column, problem.n, problem.m},
                          split.row_ends[r] - row, split.column_ends[c] - column);
      EXPECT_EQ(shards.back().Statistics(context), LSM_OK) << lsm_last_error();
    }
  }
  for (size_t r = 0; r < row_blocks; ++r) {
    std::vector<HostTensor*> lse, weights;
    for (size_t c = 0; c < column_blocks; ++c) {
      lse.push_back(&shards[r * column_blocks + c].row_lse);
      weights.push_back(&shards[r * column_blocks + c].weight_sum);
    }
    Merge(lse, context);
    if (problem.cwcl) Sum(weights);
  }
  for (size_t c = 0; c < column_blocks && problem.options.column_coefficient > 0; ++c) {
    std::vector<HostTensor*> lse;
    for (size_t r = 0; r < row_blocks; ++r) {
      lse.push_back(&shards[r * column_blocks + c].column_lse);
    }
    Merge(lse, context);
  }

  Result total;
  const size_t sizes[kOutputs] = {1,
                                  static_cast<size_t>(problem.n),
                                  problem.x.size(),
                                  problem.y.size(),
                                  1,
                                  problem.bias.size()};
  for (ShardCall& shard : shards) {
    EXPECT_EQ(shard.Gradients(context), LSM_OK) << lsm_last_error();
    const Result part = shard.call.Values();
    for (int output = 0; output < kOutputs; ++output) {
      if (part[output].empty()) continue;
      total[output].resize(sizes[output], 0);
      const int64_t first = output == kGradX   ? shard.shard.row_offset * problem.d
                            : output == kGradY ? shard.shard.column_offset * problem.d
                            : output == kGradBias && problem.bias.size() > 1
                                ? shard.shard.column_offset
                                : 0;
      Add(&total[output], part[output], first);
    }
  }
  return total;
}

}  // namespace lossmith_test
