#include "core/dtype.h"

#include <string>

#include "core/status.h"

namespace lossmith {
namespace {

struct Row {
  Type type;
  std::uint8_t code;
  std::uint8_t bits;
  const char* name;
};
constexpr Row kTypes[] = {
    {Type::f32, LSM_FLOAT, 32, "f32"}, {Type::f64, LSM_FLOAT, 64, "f64"},
    {Type::f16, LSM_FLOAT, 16, "f16"}, {Type::bf16, LSM_BFLOAT, 16, "bf16"},
    {Type::u8, LSM_UINT, 8, "u8"},     {Type::i32, LSM_INT, 32, "i32"},
    {Type::i64, LSM_INT, 64, "i64"},   {Type::i8, LSM_INT, 8, "i8"},
};
const Row& row(Type type) { return kTypes[static_cast<int>(type)]; }

}  // namespace

Type type_of(const lsm_dtype& dtype, const char* argument) {
  for (const Row& r : kTypes) {
    if (r.code == dtype.code && r.bits == dtype.bits && dtype.lanes == 1) return r.type;
  }
  reject(argument, "an element type of f32, f64, f16, bf16, u8, i8, i32, i64",
         "code " + std::to_string(dtype.code) + ", " + std::to_string(dtype.bits) + " bits, " +
             std::to_string(dtype.lanes) + " lanes");
}
lsm_dtype dtype_of(Type type) { return {row(type).code, row(type).bits, 1}; }
const char* name_of(Type type) { return row(type).name; }
int bytes_of(Type type) { return row(type).bits / 8; }

}  // namespace lossmith
