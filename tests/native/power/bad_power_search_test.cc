// Searches that do not fit: refused by name, with what was expected and what came, and with nothing
// written.
#include <functional>
#include <limits>

#include "power/search_case.h"
#include "support/errors.h"

namespace lossmith_test {
namespace {

// Both calls with tensors of three groups that a test may replace.
struct BadSearch {
  BadSearch() {
    lsm_power_search_defaults(&options);
    options.power.groups.axis = 0;
  }

  lsm_status Errors() {
    Mirror d;
    const lsm_status status =
        lsm_power_errors(context, no_options ? nullptr : &options, d.View(w), d.View(scale),
                         d.View(shift), d.View(exponents), d.View(ratios), d.View(errors));
    d.Return(context);
    return status;
  }
  lsm_status Search() {
    Mirror d;
    const lsm_status status =
        lsm_power_search(context, no_options ? nullptr : &options, d.View(w), d.View(scale),
                         d.View(shift), d.View(exponent), d.View(best_scale), d.View(error));
    d.Return(context);
    return status;
  }
  bool Untouched() const {
    for (const std::optional<HostTensor>* out : {&errors, &exponent, &best_scale, &error}) {
      if (*out && !(*out)->Untouched()) return false;
    }
    return true;
  }

  static std::optional<HostTensor> Filled(DType type, const Shape& shape, double value) {
    return HostTensor(type, shape, std::vector<double>(CountOf(shape), value));
  }

  Context context;
  lsm_power_search_options options;
  bool no_options = false;
  std::optional<HostTensor> w = Filled(DType::kF32, {3, 5}, 1);
  std::optional<HostTensor> scale = Filled(DType::kF32, {3}, 1);
  std::optional<HostTensor> shift;
  std::optional<HostTensor> exponents = Filled(DType::kF32, {2}, 0.5);
  std::optional<HostTensor> ratios = Filled(DType::kF32, {2}, 0.5);
  std::optional<HostTensor> errors = HostTensor(DType::kF64, {3, 2, 2});
  std::optional<HostTensor> exponent = HostTensor(DType::kF32, {3});
  std::optional<HostTensor> best_scale = HostTensor(DType::kF32, {3});
  std::optional<HostTensor> error = HostTensor(DType::kF64, {3});
};

using Spoil = std::function<void(BadSearch*)>;
enum Calls { kErrors = 1, kSearch = 2, kBoth = 3 };

void ExpectRejected(int calls, const std::string& argument, const std::string& got,
                    const Spoil& spoil) {
  SCOPED_TRACE(argument + " " + got);
  for (const int call : {kErrors, kSearch}) {
    if ((calls & call) == 0) continue;
    BadSearch bad;
    spoil(&bad);
    EXPECT_TRUE(Rejects(call == kErrors ? bad.Errors() : bad.Search(), argument, got));
    EXPECT_TRUE(bad.Untouched());
  }
}

TEST(BadPowerSearch, TheCallsThemselvesAreGood) {
  BadSearch good;
  EXPECT_EQ(good.Errors(), LSM_OK) << lsm_last_error();
  EXPECT_EQ(good.Search(), LSM_OK) << lsm_last_error();
  EXPECT_FALSE(good.Untouched());
}

TEST(BadPowerSearch, Options) {
  const auto option = [](int calls, const char* name, const char* got,
                         const std::function<void(lsm_power_search_options*)>& spoil) {
    ExpectRejected(calls, name, got, [&](BadSearch* bad) { spoil(&bad->options); });
  };
  using O = lsm_power_search_options;
  ExpectRejected(kBoth, "options", "NULL", [](BadSearch* bad) { bad->no_options = true; });
  option(kBoth, "bits", "9", [](O* o) { o->power.bits = 9; });
  option(kBoth, "range", "2", [](O* o) { o->power.range = 2; });
  option(kBoth, "axis", "2", [](O* o) { o->power.groups.axis = 2; });
  option(kBoth, "norm", "0", [](O* o) { o->norm = 0; });
  option(kBoth, "norm", "inf", [](O* o) { o->norm = INFINITY; });
  option(kSearch, "lowest", "0.001", [](O* o) { o->lowest = 0.001; });
  option(kSearch, "highest", "0.1", [](O* o) { o->highest = o->lowest; });
  option(kSearch, "highest", "17", [](O* o) { o->highest = 17; });
  option(kSearch, "steps", "1", [](O* o) { o->steps = 1; });
  option(kSearch, "steps", "1025", [](O* o) { o->steps = 1025; });
  option(kSearch, "refinements", "9", [](O* o) { o->refinements = 9; });
  option(kSearch, "clips", "0", [](O* o) { o->clips = 0; });
  option(kSearch, "clip_step", "0.5", [](O* o) { o->clips = 3, o->clip_step = 0.5; });
  option(kSearch, "clip_step", "nan", [](O* o) { o->clips = 2, o->clip_step = NAN; });
}

TEST(BadPowerSearch, Tensors) {
  const auto tensor = [](int calls, std::optional<HostTensor> BadSearch::*member, DType type,
                         const Shape& shape, const char* name, const char* got) {
    ExpectRejected(calls, name, got,
                   [&](BadSearch* bad) { bad->*member = HostTensor(type, shape); });
  };
  tensor(kBoth, &BadSearch::w, DType::kI64, {3, 5}, "w", "i64");
  tensor(kBoth, &BadSearch::scale, DType::kF64, {3}, "scale", "f64");
  tensor(kBoth, &BadSearch::scale, DType::kF32, {5}, "scale", "[5]");
  tensor(kBoth, &BadSearch::shift, DType::kF32, {3}, "shift", "a tensor");
  tensor(kErrors, &BadSearch::exponents, DType::kF64, {2}, "exponents", "f64");
  tensor(kErrors, &BadSearch::exponents, DType::kF32, {0}, "exponents", "0");
  tensor(kErrors, &BadSearch::exponents, DType::kF32, {1025}, "exponents", "1025");
  tensor(kErrors, &BadSearch::ratios, DType::kF32, {65}, "ratios", "65");
  tensor(kErrors, &BadSearch::errors, DType::kF32, {3, 2, 2}, "errors", "f32");
  tensor(kErrors, &BadSearch::errors, DType::kF64, {3, 1, 2}, "errors", "[3,1,2]");
  tensor(kSearch, &BadSearch::exponent, DType::kF32, {1}, "exponent", "[1]");
  tensor(kSearch, &BadSearch::best_scale, DType::kF64, {3}, "best_scale", "f64");
  tensor(kSearch, &BadSearch::error, DType::kF32, {3}, "error", "f32");
  ExpectRejected(kBoth, "w", "NULL", [](BadSearch* bad) { bad->w.reset(); });
  ExpectRejected(kBoth, "scale", "NULL", [](BadSearch* bad) { bad->scale.reset(); });
  ExpectRejected(kErrors, "exponents", "NULL", [](BadSearch* bad) { bad->exponents.reset(); });
  ExpectRejected(kErrors, "errors", "NULL", [](BadSearch* bad) { bad->errors.reset(); });
  ExpectRejected(kSearch, "exponent", "NULL", [](BadSearch* bad) { bad->exponent.reset(); });
}

// A device must not be waited for to see them.
TEST(BadPowerSearch, Numbers) {
  if (OnDevice()) GTEST_SKIP() << "the numbers lie on the device";
  ExpectRejected(kBoth, "scale", "-1", [](BadSearch* bad) { bad->scale->Set(1, -1); });
  ExpectRejected(kErrors, "exponents", "0.001",
                 [](BadSearch* bad) { bad->exponents->Set(1, 0.001); });
  ExpectRejected(kErrors, "exponents", "16.5",
                 [](BadSearch* bad) { bad->exponents->Set(0, 16.5); });
  ExpectRejected(kErrors, "exponents", "nan", [](BadSearch* bad) { bad->exponents->Set(0, NAN); });
  ExpectRejected(kErrors, "ratios", "0", [](BadSearch* bad) { bad->ratios->Set(1, 0); });
  ExpectRejected(kErrors, "ratios", "1.5", [](BadSearch* bad) { bad->ratios->Set(1, 1.5); });
  // The bounds themselves, as f32 has them.
  BadSearch good;
  good.exponents->Set(0, 0.01);
  good.exponents->Set(1, 16);
  good.ratios->Set(0, 1);
  EXPECT_EQ(good.Errors(), LSM_OK) << lsm_last_error();
}

}  // namespace
}  // namespace lossmith_test
