#include <gpucompute/types.hpp>

namespace gpucompute {
namespace {

struct TypeRow {
  const char *name;
  std::size_t size;
};
// In the order of DataType.
constexpr TypeRow rows[] = {{"none", 0}, {"i8", 1},    {"u8", 1},   {"i16", 2},    {"u16", 2},    {"i32", 4},
                            {"u32", 4},  {"i64", 8},   {"u64", 8},  {"f16", 2},    {"f32", 4},    {"f64", 8},
                            {"c64", 8},  {"c128", 16}, {"bf16", 2}, {"f8e4m3", 1}, {"f8e5m2", 1}, {"bool", 1}};

const TypeRow &row(DataType type) noexcept {
  const auto i = static_cast<std::size_t>(type);
  return i < sizeof rows / sizeof rows[0] ? rows[i] : rows[0];
}

}  // namespace

std::size_t size_of(DataType type) noexcept { return row(type).size; }
const char *name_of(DataType type) noexcept { return row(type).name; }

}  // namespace gpucompute
