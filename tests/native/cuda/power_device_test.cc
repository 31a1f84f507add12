// Power quantization on the device against the CPU: every way in which threads walk over groups, on
// aligned and unaligned rows, for all types of elements, with and without packed codes.
#include <cmath>
#include <memory>
#include <optional>
#include <string>

#include "cuda/cuda_context.h"
#include "cuda/device_array.h"
#include "cuda/grouped.h"
#include "lossmith/power_search.h"
#include "support/random.h"

namespace lossmith_test {
namespace {

using Shape = std::vector<int64_t>;

struct Case {
  Shape shape;
  int32_t axis = -1;
  int64_t columns = 0;

  int64_t elements() const {
    int64_t count = 1;
    for (int64_t extent : shape) count *= extent;
    return count;
  }
  Shape parameters() const {
    if (columns > 0) return {shape[0], (shape[1] + columns - 1) / columns};
    return {axis < 0 ? 1 : shape[axis]};
  }
  std::string text() const {
    std::string t = "shape";
    for (int64_t extent : shape) t += " " + std::to_string(extent);
    return t + ", axis " + std::to_string(axis) + ", columns " + std::to_string(columns);
  }
};

// Host tensors of a call; on a device, copies of their blocks of memory that come back.
class Tensors {
 public:
  explicit Tensors(bool device) : device_(device) {}

  lsm_tensor* View(std::optional<HostTensor>& tensor) {
    if (!tensor) return nullptr;
    if (!device_) return tensor->view();
    const std::vector<unsigned char> bytes(tensor->memory(),
                                           tensor->memory() + tensor->memory_bytes());
    copies_.push_back({&*tensor, std::make_unique<DeviceArray<unsigned char>>(bytes),
                       std::make_unique<lsm_tensor>(*tensor->view())});
    Copy& copy = copies_.back();
    copy.view->device = {LSM_CUDA, 0};
    copy.view->data =
        copy.memory->get() + (static_cast<unsigned char*>(copy.view->data) - tensor->memory());
    return copy.view.get();
  }
  void Return() {
    for (Copy& copy : copies_) {
      const std::vector<unsigned char> bytes = copy.memory->Values();
      std::copy(bytes.begin(), bytes.end(), copy.host->memory());
      EXPECT_TRUE(copy.host->GapsUntouched());
    }
  }

 private:
  struct Copy {
    HostTensor* host;
    std::unique_ptr<DeviceArray<unsigned char>> memory;
    std::unique_ptr<lsm_tensor> view;
  };
  bool device_;
  std::vector<Copy> copies_;
};

bool IsMatrix(const Shape& shape) { return shape.size() == 2; }

struct Setting {
  DType type = DType::kF32;
  int32_t bits = 4;
  int32_t range = LSM_POWER_SIGNED;
  int32_t gradient = LSM_GRADIENT_IDENTITY;
  bool packed = false;
  bool exponent_per_group = false;
  bool narrow_outputs = false;  // values and gradients in the type of w
  Layout layout;

  DType wide() const { return type == DType::kF64 ? DType::kF64 : DType::kF32; }
  DType outputs() const { return narrow_outputs ? type : DType::kF32; }
  int largest() const {
    return range == LSM_POWER_SIGNED ? (1 << (bits - 1)) - 1 : (1 << bits) - 1;
  }
};

struct Quantized {
  std::optional<HostTensor> w, scale, exponent, shift, upstream;
  std::optional<HostTensor> out, codes, grad_w, grad_scale, grad_exponent, decoded;
};

lsm_power_options Options(const Case& c, const Setting& s) {
  lsm_power_options o;
  lsm_power_defaults(&o);
  o.bits = s.bits;
  o.range = s.range;
  o.gradient = s.gradient;
  o.packed = s.packed;
  o.groups = {c.axis, c.columns};
  return o;
}

Quantized Inputs(const Case& c, const Setting& s, uint64_t seed) {
  Random random(seed);
  const Layout layout = IsMatrix(c.shape) ? s.layout : Layout{0, s.layout.offset};
  const Layout parameters{0, 1};
  const int64_t n = c.elements();
  const Shape groups = c.parameters();
  int64_t count = 1;
  for (int64_t extent : groups) count *= extent;
  Quantized q;
  std::vector<double> values = random.Normals(n);
  if (n > 40) {
    values[3] = 0;
    values[17] = 40;  // clipped
    values[29] = -40;
  }
  q.w.emplace(s.type, c.shape, values, layout);
  std::vector<double> scales = random.Uniforms(count, 1.5, 3);
  if (count > 3) scales[2] = 0;
  q.scale.emplace(s.wide(), groups, scales, parameters);
  std::vector<double> exponents = {random.Uniform(0.3, 1.4)};
  if (s.exponent_per_group) exponents = random.Uniforms(count, 0.3, 1.4);
  q.exponent.emplace(s.wide(), s.exponent_per_group ? groups : Shape{1}, exponents, parameters);
  if (s.range == LSM_POWER_UNSIGNED && seed % 2 == 0) {
    q.shift.emplace(s.wide(), groups, random.Uniforms(count, -1, 0), parameters);
  }
  return q;
}

void AddOutputs(const Case& c, const Setting& s, uint64_t seed, bool gradients, Quantized* q) {
  const Layout layout = IsMatrix(c.shape) ? s.layout : Layout{0, s.layout.offset};
  q->out.emplace(s.outputs(), c.shape, layout);
  Shape codes = c.shape;
  if (s.packed) codes[1] = lsm_power_packed_bytes(s.bits, c.shape[1]);
  const bool bytes = s.packed || s.range == LSM_POWER_UNSIGNED;
  q->codes.emplace(bytes ? DType::kU8 : DType::kI8, codes, layout);
  if (!gradients) return;
  q->upstream.emplace(s.outputs(), c.shape, Random(seed + 99).Normals(c.elements()), layout);
  q->grad_w.emplace(s.outputs(), c.shape, layout);
  q->grad_scale.emplace(s.wide(), q->scale->shape());
  q->grad_exponent.emplace(s.wide(), q->exponent->shape());
}

void FakeQuantize(lsm_context context, bool device, const lsm_power_options& o, Quantized* q) {
  Tensors t(device);
  ASSERT_EQ(lsm_power_fake_quantize(context, &o, t.View(q->w), t.View(q->scale),
                                    t.View(q->exponent), t.View(q->shift), t.View(q->upstream),
                                    t.View(q->out), t.View(q->codes), t.View(q->grad_w),
                                    t.View(q->grad_scale), t.View(q->grad_exponent)),
            LSM_OK)
      << lsm_last_error();
  t.Return();
}

// u of an element, for codes that may be on either side of a half.
double StepsOf(const Case& c, const Setting& s, const Quantized& q, int64_t group, double w) {
  (void)c;
  const double a = q.exponent->Get(q.exponent->elements() == 1 ? 0 : group);
  const double x = w - (q.shift ? q.shift->Get(group) : 0);
  return s.largest() * std::pow(std::min(std::abs(x) / q.scale->Get(group), 1.0), a);
}

int64_t GroupOf(const Case& c, int64_t element) {
  const int64_t width = c.shape.back();
  if (c.columns > 0) {
    return element / width * c.parameters()[1] + element % width / c.columns;
  }
  if (c.axis < 0) return 0;
  int64_t inner = 1;
  for (size_t i = c.axis + 1; i < c.shape.size(); ++i) inner *= c.shape[i];
  return element / inner % c.shape[c.axis];
}

void ExpectClose(const std::optional<HostTensor>& device, const std::optional<HostTensor>& host,
                 double relative, double absolute, const char* what) {
  ASSERT_EQ(device.has_value(), host.has_value());
  if (!device) return;
  for (int64_t i = 0; i < host->elements(); ++i) {
    const double expected = host->Get(i);
    ASSERT_NEAR(device->Get(i), expected, relative * std::abs(expected) + absolute)
        << what << " at " << i;
  }
}

// Elements whose codes differ, which with more than 4 bits may be by one around a half.
std::vector<bool> ExpectCodes(const Case& c, const Setting& s, const Quantized& device,
                              const Quantized& host) {
  std::vector<bool> differ(c.elements(), false);
  if (s.packed) {
    EXPECT_EQ(device.codes->Bits(), host.codes->Bits());
    return differ;
  }
  for (int64_t i = 0; i < c.elements(); ++i) {
    if (device.codes->Get(i) == host.codes->Get(i)) continue;
    const double u = StepsOf(c, s, host, GroupOf(c, i), host.w->Get(i));
    EXPECT_GT(s.bits, 4) << "element " << i << ": " << device.codes->Get(i) << " for "
                         << host.codes->Get(i);
    EXPECT_NEAR(u - std::floor(u), 0.5, 2e-4) << "element " << i;
    differ[i] = true;
  }
  return differ;
}

void Compare(const Case& c, const Setting& s, uint64_t seed, bool gradients) {
  SCOPED_TRACE(c.text() + ", " + Name(s.type) + ", bits " + std::to_string(s.bits) + ", range " +
               std::to_string(s.range) + ", packed " + std::to_string(s.packed));
  CudaContext cuda;
  Context cpu;
  const lsm_power_options o = Options(c, s);
  Quantized host = Inputs(c, s, seed);
  AddOutputs(c, s, seed, gradients, &host);
  Quantized device = host;
  FakeQuantize(cpu, false, o, &host);
  FakeQuantize(cuda, true, o, &device);
  const std::vector<bool> differ = ExpectCodes(c, s, device, host);
  if (std::find(differ.begin(), differ.end(), true) != differ.end()) return;
  const double roundoff = UnitRoundoff(s.outputs());
  ExpectClose(device.out, host.out, 4 * roundoff, 1e-30, "values");
  const double slack = s.type == DType::kF64 ? 1e-10 : 2e-5;
  ExpectClose(device.grad_w, host.grad_w, slack + 4 * roundoff, slack * 1e-3, "gradient");
  const double sums = slack * static_cast<double>(c.elements()) / 16 + slack;
  ExpectClose(device.grad_scale, host.grad_scale, slack, std::min(sums, 20 * slack), "scales");
  ExpectClose(device.grad_exponent, host.grad_exponent, slack, std::min(sums, 40 * slack),
              "exponents");
}

const std::vector<Case>& Cases() {
  static const std::vector<Case> cases = {
      {{1}},  // less than a vector
      {{7}},
      {{3001}},            // one block
      {{20011}},           // several pieces
      {{5, 33}, 0},        // teams of a few threads
      {{5, 33}, 1},        // runs of one element, few of them
      {{70, 33}, 1},       // across the runs, several chunks of repeats
      {{3, 40, 5, 5}, 1},  // runs of 25
      {{40, 6, 3, 3}, 1},  // across the runs, runs of 9
      {{12, 5, 3, 3}, 0},
      {{3, 2501}, 0},      // a block for each of several groups
      {{6, 100}, -1, 32},  // a last group of four columns
      {{6, 100}, -1, 7},   // groups that end inside vectors
      {{70, 8}},           // in rows: across them
      {{3, 3000}},
  };
  return cases;
}

const Layout kLayouts[] = {{}, {3, 1}, {8, 4}, {5, 0}};

TEST(PowerDevice, EveryWalkGivesWhatTheCpuGives) {
  uint64_t seed = 1;
  constexpr DType kTypes[] = {DType::kF32, DType::kBF16, DType::kF64, DType::kF16};
  constexpr int32_t kBits[] = {4, 8, 3, 2, 5};
  for (const Case& c : Cases()) {
    for (int round = 0; round < 3; ++round) {
      ++seed;
      Setting s;
      s.type = kTypes[seed % 4];
      s.bits = kBits[seed % 5];
      s.range = seed / 2 % 2 == 0 ? LSM_POWER_SIGNED : LSM_POWER_UNSIGNED;
      s.gradient = seed / 3 % 2 == 0 ? LSM_GRADIENT_IDENTITY : LSM_GRADIENT_EXACT;
      s.exponent_per_group = round == 1;
      s.narrow_outputs = seed % 3 == 0;
      s.layout = kLayouts[seed % 4];
      Compare(c, s, seed, true);
    }
  }
}

TEST(PowerDevice, PackedCodes) {
  uint64_t seed = 1;
  for (const Case& c : Cases()) {
    if (!IsMatrix(c.shape)) continue;
    for (const bool gradients : {false, true}) {
      for (const int32_t bits : {2, 3, 4}) {
        Setting s;
        s.bits = bits;
        s.packed = true;
        s.range = ++seed % 2 == 0 ? LSM_POWER_SIGNED : LSM_POWER_UNSIGNED;
        s.layout = kLayouts[seed % 4];
        Compare(c, s, seed, gradients);
      }
    }
  }
}

// A block of groups at a time where the tables of their exponents are larger than the budget.
TEST(PowerDevice, BlocksOfRowsUnderABudget) {
  for (const Case& c : {Case{{40, 64}, -1, 8}, Case{{40, 16}, 0}, Case{{40, 4, 3, 3}, 0}}) {
    SCOPED_TRACE(c.text());
    Setting s;
    s.bits = 8;
    s.exponent_per_group = true;
    const lsm_power_options o = Options(c, s);
    Quantized whole = Inputs(c, s, 3);
    AddOutputs(c, s, 3, true, &whole);
    Quantized blocks = whole;
    CudaContext large;
    FakeQuantize(large, true, o, &whole);
    lsm_context_options options = CudaOptions();
    options.budget = 60000;
    CudaContext small(options);
    FakeQuantize(small, true, o, &blocks);
    EXPECT_EQ(blocks.out->Bits(), whole.out->Bits());
    EXPECT_EQ(blocks.codes->Bits(), whole.codes->Bits());
    EXPECT_EQ(blocks.grad_w->Bits(), whole.grad_w->Bits());
    EXPECT_EQ(blocks.grad_scale->Bits(), whole.grad_scale->Bits());
    EXPECT_EQ(blocks.grad_exponent->Bits(), whole.grad_exponent->Bits());
  }
}

// Where rows lie and how they are aligned changes no bit of the sums.
TEST(PowerDevice, LayoutsGiveTheSameBits) {
  for (const Case& c : {Case{{9, 331}}, Case{{9, 331}, 0}, Case{{90, 31}, 1}}) {
    SCOPED_TRACE(c.text());
    std::optional<Quantized> first;
    for (const Layout& layout : {Layout{}, Layout{0, 1}, Layout{0, 3}}) {
      Setting s;
      s.layout = layout;
      Quantized q = Inputs(c, s, 5);
      AddOutputs(c, s, 5, true, &q);
      CudaContext context;
      FakeQuantize(context, true, Options(c, s), &q);
      if (!first) {
        first = q;
        continue;
      }
      EXPECT_EQ(q.grad_scale->Bits(), first->grad_scale->Bits());
      EXPECT_EQ(q.grad_exponent->Bits(), first->grad_exponent->Bits());
      EXPECT_EQ(q.out->Bits(), first->out->Bits());
    }
  }
}

TEST(PowerDevice, ScalesValuesStaircaseAndLatents) {
  uint64_t seed = 1;
  for (const Case& c : Cases()) {
    SCOPED_TRACE(c.text());
    ++seed;
    Setting s;
    s.type = seed % 2 == 0 ? DType::kF32 : DType::kBF16;
    s.range = seed % 3 == 0 ? LSM_POWER_UNSIGNED : LSM_POWER_SIGNED;
    s.bits = seed % 4 == 0 ? 8 : 4;
    s.layout = kLayouts[seed % 4];
    const lsm_power_options o = Options(c, s);
    CudaContext cuda;
    Context cpu;
    Quantized sides[2] = {Inputs(c, s, seed), Inputs(c, s, seed)};
    std::optional<HostTensor> theta[2], scales[2], shifts[2], gradients[2];
    for (const int side : {0, 1}) {
      Quantized& q = sides[side];
      q.shift.reset();
      const lsm_context context = side == 0 ? static_cast<lsm_context>(cpu) : cuda;
      scales[side].emplace(DType::kF32, c.parameters());
      if (s.range == LSM_POWER_UNSIGNED) shifts[side].emplace(DType::kF32, c.parameters());
      Tensors t(side == 1);
      ASSERT_EQ(
          lsm_power_scales(context, &o, t.View(q.w), t.View(scales[side]), t.View(shifts[side])),
          LSM_OK);
      t.Return();
      theta[side].emplace(DType::kF32, c.shape);
      Tensors latents(side == 1);
      ASSERT_EQ(lsm_power_latents(context, &o, latents.View(q.w), latents.View(q.scale),
                                  latents.View(q.exponent), latents.View(theta[side])),
                LSM_OK);
      latents.Return();
      q.upstream.emplace(DType::kF32, c.shape, Random(seed).Normals(c.elements()));
      q.out.emplace(DType::kF32, c.shape);
      q.codes.emplace(s.range == LSM_POWER_SIGNED ? DType::kI8 : DType::kU8, c.shape);
      q.grad_w.emplace(DType::kF32, c.shape);
      q.grad_scale.emplace(DType::kF32, c.parameters());
      q.grad_exponent.emplace(DType::kF32, Shape{1});
      Tensors stairs(side == 1);
      ASSERT_EQ(lsm_power_staircase(context, &o, seed % 2 == 0 ? 0.0 : 4.0, stairs.View(theta[0]),
                                    stairs.View(q.scale), stairs.View(q.exponent),
                                    stairs.View(q.upstream), stairs.View(q.out),
                                    stairs.View(q.codes), stairs.View(q.grad_w),
                                    stairs.View(q.grad_scale), stairs.View(q.grad_exponent)),
                LSM_OK)
          << lsm_last_error();
      stairs.Return();
      q.decoded.emplace(s.type, c.shape,
                        s.layout.row_padding > 0 && !IsMatrix(c.shape) ? Layout{} : s.layout);
      Tensors values(side == 1);
      ASSERT_EQ(lsm_power_dequantize(context, &o, values.View(q.codes), values.View(q.scale),
                                     values.View(q.exponent), nullptr, values.View(q.decoded)),
                LSM_OK)
          << lsm_last_error();
      values.Return();
    }
    ExpectClose(scales[1], scales[0], 0, 0, "scales");
    ExpectClose(shifts[1], shifts[0], 0, 0, "shifts");
    ExpectClose(theta[1], theta[0], 1e-5, 1e-6, "latents");
    ExpectClose(sides[1].codes, sides[0].codes, 0, 0, "codes");
    ExpectClose(sides[1].decoded, sides[0].decoded, 2 * UnitRoundoff(s.type), 0, "decoded");
    ExpectClose(sides[1].out, sides[0].out, 2e-5, 1e-6, "values");
    ExpectClose(sides[1].grad_w, sides[0].grad_w, 1e-4, 1e-5, "gradient");
    ExpectClose(sides[1].grad_scale, sides[0].grad_scale, 1e-5, 1e-3, "gradient of scales");
    ExpectClose(sides[1].grad_exponent, sides[0].grad_exponent, 1e-5, 5e-3,
                "gradient of exponents");
  }
}

// Errors of all candidates, and what the search makes of them, for groups of every kind.
TEST(PowerDevice, ErrorsAndSearch) {
  uint64_t seed = 1;
  constexpr DType kTypes[] = {DType::kF32, DType::kBF16, DType::kF64};
  for (const Case& c : Cases()) {
    SCOPED_TRACE(c.text());
    ++seed;
    Setting s;
    s.type = kTypes[seed % 3];
    s.range = seed % 3 == 0 ? LSM_POWER_UNSIGNED : LSM_POWER_SIGNED;
    s.bits = seed % 5 == 0 ? 8 : seed % 2 == 0 ? 4 : 3;
    s.layout = kLayouts[seed % 4];
    lsm_power_search_options o;
    lsm_power_search_defaults(&o);
    o.power = Options(c, s);
    o.steps = c.elements() > 10000 ? 3 : 35;
    o.refinements = c.elements() > 10000 ? 1 : 2;
    o.clips = seed % 2 == 0 ? 2 : 1;
    o.norm = seed % 4 == 0 ? 1 : seed % 7 == 0 ? 2.4 : 2;
    CudaContext cuda;
    Context cpu;
    std::optional<HostTensor> exponents, ratios, errors[2], best[2], scale[2], error[2];
    exponents.emplace(s.wide(), Shape{3}, std::vector<double>{0.4, 0.7, 1.0});
    ratios.emplace(s.wide(), Shape{2}, std::vector<double>{1, 0.8});
    Quantized q = Inputs(c, s, seed);
    for (const int side : {0, 1}) {
      const lsm_context context = side == 0 ? static_cast<lsm_context>(cpu) : cuda;
      errors[side].emplace(DType::kF64, Shape{q.scale->elements(), 2, 3});
      best[side].emplace(s.wide(), c.parameters());
      scale[side].emplace(s.wide(), c.parameters());
      error[side].emplace(DType::kF64, c.parameters());
      Tensors t(side == 1);
      lsm_tensor* w = t.View(q.w);
      lsm_tensor* scales = t.View(q.scale);
      lsm_tensor* shift = t.View(q.shift);
      ASSERT_EQ(lsm_power_errors(context, &o, w, scales, shift, t.View(exponents), t.View(ratios),
                                 t.View(errors[side])),
                LSM_OK)
          << lsm_last_error();
      ASSERT_EQ(lsm_power_search(context, &o, w, scales, shift, t.View(best[side]),
                                 t.View(scale[side]), t.View(error[side])),
                LSM_OK)
          << lsm_last_error();
      t.Return();
    }
    ExpectClose(errors[1], errors[0], 1e-9, 1e-12, "errors");
    ExpectClose(error[1], error[0], 1e-9, 1e-12, "best errors");
    ExpectClose(best[1], best[0], 1e-6, 0, "exponents");
    ExpectClose(scale[1], scale[0], 0, 0, "scales");
  }
}

TEST(PowerDevice, SearchInBlocksOfGroupsGivesTheSameBits) {
  const Case c{{24, 40}, -1, 8};
  Setting s;
  lsm_power_search_options o;
  lsm_power_search_defaults(&o);
  o.power = Options(c, s);
  Quantized q = Inputs(c, s, 2);
  std::optional<HostTensor> exponent[2], scale[2], error[2];
  for (const int side : {0, 1}) {
    lsm_context_options options = CudaOptions();
    options.budget = side == 0 ? 0 : 100000;
    CudaContext context(options);
    exponent[side].emplace(DType::kF32, c.parameters());
    error[side].emplace(DType::kF64, c.parameters());
    Tensors t(true);
    ASSERT_EQ(lsm_power_search(context, &o, t.View(q.w), t.View(q.scale), nullptr,
                               t.View(exponent[side]), nullptr, t.View(error[side])),
              LSM_OK)
        << lsm_last_error();
    t.Return();
  }
  EXPECT_EQ(exponent[0]->Bits(), exponent[1]->Bits());
  EXPECT_EQ(error[0]->Bits(), error[1]->Bits());
}

// Indices of huge tensors, without them: quotients, runs and chunks beyond 32 bits.
TEST(Grouped, IndicesBeyond32Bits) {
  using lossmith::cuda::Divider;
  const int64_t kHuge = (int64_t{1} << 52) + 12345;
  for (const int64_t by : {int64_t{1}, int64_t{3}, int64_t{32}, (int64_t{1} << 31) - 1,
                           (int64_t{1} << 33) + 7, kHuge}) {
    const Divider divider(by);
    for (const int64_t n : {int64_t{0}, by - 1, by, by + 1, 2 * by - 1, kHuge, kHuge - 1,
                            kHuge / by * by, kHuge / by * by - 1}) {
      EXPECT_EQ(divider.quotient(n), n / by) << n << " / " << by;
      EXPECT_EQ(divider.remainder(n), n % by) << n << " % " << by;
    }
  }
  lossmith::Groups channels;
  channels.lines = 1;
  channels.width = int64_t{6} << 40;
  channels.channels = channels.count = 3;
  channels.inner = int64_t{1} << 40;
  const auto walk = lossmith::cuda::GroupWalk::of(channels);
  EXPECT_EQ(walk.repeats(), 2);
  EXPECT_EQ(walk.group_of(0, (int64_t{5} << 40) - 1), 1);
  EXPECT_EQ(walk.group_of(0, int64_t{5} << 40), 2);
  const lossmith::cuda::FoldPlan plan(walk);
  EXPECT_LE(plan.chunks.pieces, lossmith::cuda::kMostPieces);
  EXPECT_GE(plan.chunks.pieces * plan.piece, walk.run);
}

}  // namespace
}  // namespace lossmith_test
