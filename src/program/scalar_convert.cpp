#include "program/scalar_convert.hpp"

#include <cmath>
#include <cstring>
#include <limits>

#include "support/text.hpp"

namespace gpucompute {
namespace {

// A number in the widest type of its kind.
struct Number {
  enum class Kind { negative, natural, real } kind;
  std::int64_t i;
  std::uint64_t u;
  double f;
};

template <class T>
T load(const void *from) {
  T value;
  std::memcpy(&value, from, sizeof value);
  return value;
}

Number integer(std::int64_t value) {
  return value < 0 ? Number{Number::Kind::negative, value, 0, 0}
                   : Number{Number::Kind::natural, 0, static_cast<std::uint64_t>(value), 0};
}
Number natural(std::uint64_t value) { return {Number::Kind::natural, 0, value, 0}; }
Number real(double value) { return {Number::Kind::real, 0, 0, value}; }

bool read(DataType type, const void *from, Number &number) {
  switch (type) {
    case DataType::i8:
      number = integer(load<std::int8_t>(from));
      return true;
    case DataType::i16:
      number = integer(load<std::int16_t>(from));
      return true;
    case DataType::i32:
      number = integer(load<std::int32_t>(from));
      return true;
    case DataType::i64:
      number = integer(load<std::int64_t>(from));
      return true;
    case DataType::u8:
      number = natural(load<std::uint8_t>(from));
      return true;
    case DataType::u16:
      number = natural(load<std::uint16_t>(from));
      return true;
    case DataType::u32:
      number = natural(load<std::uint32_t>(from));
      return true;
    case DataType::u64:
      number = natural(load<std::uint64_t>(from));
      return true;
    case DataType::f32:
      number = real(static_cast<double>(load<float>(from)));
      return true;
    case DataType::f64:
      number = real(load<double>(from));
      return true;
    default:
      return false;
  }
}

std::string spelled(const Number &number) {
  switch (number.kind) {
    case Number::Kind::negative:
      return text(number.i);
    case Number::Kind::natural:
      return text(number.u);
    default:
      return text(number.f);
  }
}

template <class T>
bool store_integer(const Number &number, unsigned char *out, std::string &reason) {
  using Limits = std::numeric_limits<T>;
  Number whole = number;
  if (number.kind == Number::Kind::real) {
    // 2^63 and 2^64 are exact as doubles; NaN fails both comparisons.
    const bool fits = number.f == std::trunc(number.f) && number.f >= -0x1p63 && number.f < 0x1p64;
    if (!fits) {
      reason = "got " + spelled(number) + ", which is not a whole number of that type";
      return false;
    }
    whole = number.f < 0 ? integer(static_cast<std::int64_t>(number.f)) : natural(static_cast<std::uint64_t>(number.f));
  }
  const bool in_range = whole.kind == Number::Kind::negative
                            ? std::is_signed<T>::value && whole.i >= static_cast<std::int64_t>(Limits::min())
                            : whole.u <= static_cast<std::uint64_t>(Limits::max());
  if (!in_range) {
    reason = text("got ", spelled(number), ", must be ", +Limits::min(), " to ", +Limits::max());
    return false;
  }
  const T value = whole.kind == Number::Kind::negative ? static_cast<T>(whole.i) : static_cast<T>(whole.u);
  std::memcpy(out, &value, sizeof value);
  return true;
}

}  // namespace

std::uint16_t half_bits(float value) noexcept {
  std::uint32_t bits;
  std::memcpy(&bits, &value, sizeof bits);
  const auto sign = static_cast<std::uint16_t>((bits >> 16) & 0x8000u);
  const std::uint32_t magnitude = bits & 0x7fffffffu;
  if (magnitude > 0x7f800000u) return sign | 0x7e00u;   // NaN
  if (magnitude >= 0x477ff000u) return sign | 0x7c00u;  // 65520 and more round to infinity
  if (magnitude < 0x38800000u) {  // below 2^-14: a multiple of 2^-24, which nearbyint rounds to even
    float absolute;
    std::memcpy(&absolute, &magnitude, sizeof absolute);
    return static_cast<std::uint16_t>(sign | static_cast<std::uint16_t>(std::nearbyint(absolute * 0x1p24f)));
  }
  const std::uint32_t rounded = magnitude + 0xfffu + ((magnitude >> 13) & 1u);
  return static_cast<std::uint16_t>(sign | ((rounded - 0x38000000u) >> 13));
}

namespace {

// Of a number that a float does not hold, the neighbour with an odd last bit: rounding that to a half gives what
// rounding the number itself would give.
float to_odd(float nearest, double value) noexcept {
  const double exact = static_cast<double>(nearest);
  std::uint32_t bits;
  std::memcpy(&bits, &nearest, sizeof bits);
  if (!std::isfinite(value) || exact == value || (bits & 1u)) return nearest;
  bits = std::fabs(exact) < std::fabs(value) ? bits + 1 : bits - 1;
  std::memcpy(&nearest, &bits, sizeof bits);
  return nearest;
}

}  // namespace

bool convert_scalar(DataType from_type, const void *from, DataType to, unsigned char *out, std::string &reason) {
  Number number{};
  if (!read(from_type, from, number)) {
    reason = text("got a scalar of type ", name_of(from_type), ", must be i8 to u64, f32 or f64");
    return false;
  }
  switch (to) {
    case DataType::i8:
      return store_integer<std::int8_t>(number, out, reason);
    case DataType::i16:
      return store_integer<std::int16_t>(number, out, reason);
    case DataType::i32:
      return store_integer<std::int32_t>(number, out, reason);
    case DataType::i64:
      return store_integer<std::int64_t>(number, out, reason);
    case DataType::u8:
      return store_integer<std::uint8_t>(number, out, reason);
    case DataType::u16:
      return store_integer<std::uint16_t>(number, out, reason);
    case DataType::u32:
      return store_integer<std::uint32_t>(number, out, reason);
    case DataType::u64:
      return store_integer<std::uint64_t>(number, out, reason);
    default:
      break;
  }
  const double value = number.kind == Number::Kind::real       ? number.f
                       : number.kind == Number::Kind::negative ? static_cast<double>(number.i)
                                                               : static_cast<double>(number.u);
  if (to == DataType::f64) {
    std::memcpy(out, &value, sizeof value);
    return true;
  }
  // The last numbers that do not round to infinity. Past the largest float the conversion is undefined in C++, so it is
  // looked at first.
  const double most = to == DataType::f32 ? 0x1.fffffefffffffp127 : 0x1.ffdffffffffffp15;
  if (std::isfinite(value) && std::fabs(value) > most) {
    reason = "got " + spelled(number) + ", which is too large for that type";
    return false;
  }
  const auto narrow = static_cast<float>(value);
  if (to == DataType::f32) {
    std::memcpy(out, &narrow, sizeof narrow);
    return true;
  }
  const std::uint16_t half = half_bits(to_odd(narrow, value));
  std::memcpy(out, &half, sizeof half);
  return true;
}

}  // namespace gpucompute
