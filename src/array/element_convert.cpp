#include "array/element_convert.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

#include "support/checked_math.hpp"

namespace gpucompute {
namespace {

// A number in the widest type of its kind.
struct Number {
  bool integer = false;
  bool negative = false;        // integers
  std::uint64_t magnitude = 0;  // integers
  double real = 0, imaginary = 0;
};

template <class T>
T load(const void *from) {
  T value;
  std::memcpy(&value, from, sizeof value);
  return value;
}

template <class T>
void put(unsigned char *out, T value) {
  std::memcpy(out, &value, sizeof value);
}

Number whole(std::int64_t value) { return {true, value < 0, magnitude(value), 0, 0}; }
Number natural(std::uint64_t value) { return {true, false, value, 0, 0}; }
Number real(double value, double imaginary = 0) { return {false, false, 0, value, imaginary}; }

double half_value(std::uint16_t bits) {
  const int exponent = bits >> 10 & 31, fraction = bits & 1023;
  double value = exponent ? std::ldexp(1024 + fraction, exponent - 25) : std::ldexp(fraction, -24);
  if (exponent == 31) value = fraction ? std::numeric_limits<double>::quiet_NaN() : INFINITY;
  return bits & 0x8000 ? -value : value;
}

float bf16_value(std::uint16_t bits) {
  const std::uint32_t wide = std::uint32_t(bits) << 16;
  return load<float>(&wide);
}

// A double that rounds to the same narrower number as the integer does: the last bit says what was cut off.
double to_odd(const Number &number) {
  std::uint64_t magnitude = number.magnitude;
  if (magnitude >> 53) magnitude = (magnitude >> 11 | ((magnitude & 0x7ff) != 0)) << 11;
  const auto value = static_cast<double>(magnitude);
  return number.negative ? -value : value;
}

// To the nearest number of `digits` binary digits whose smallest step is 2^least, ties to even. Where the result is too
// large, the caller sees it.
double round_to(double value, int digits, int least) {
  if (value == 0 || !std::isfinite(value)) return value;
  int exponent = 0;
  std::frexp(value, &exponent);
  const int step = std::max(exponent - digits, least);
  return std::ldexp(std::nearbyint(std::ldexp(value, -step)), step);
}

std::uint16_t half_of(double value) {
  const std::uint16_t sign = std::signbit(value) ? 0x8000 : 0;
  if (std::isnan(value)) return sign | 0x7e00;
  const double rounded = std::fabs(round_to(value, 11, -24));
  if (rounded >= 65536) return sign | 0x7c00;
  if (rounded == 0) return sign;
  int exponent = 0;
  std::frexp(rounded, &exponent);
  if (exponent < -13) return static_cast<std::uint16_t>(sign | static_cast<int>(std::ldexp(rounded, 24)));
  const int fraction = static_cast<int>(std::ldexp(rounded, 11 - exponent)) - 1024;
  return static_cast<std::uint16_t>(sign | (exponent + 14) << 10 | fraction);
}

std::uint16_t bf16_of(double value) {
  const auto narrow = static_cast<float>(std::isnan(value) ? value : round_to(value, 8, -133));
  const auto bits = static_cast<std::uint16_t>(load<std::uint32_t>(&narrow) >> 16);
  return std::isnan(value) ? bits | 0x40 : bits;
}

// f8e4m3 has 3 bits of fraction and the bias 7, f8e5m2 2 and 15.
double f8_value(std::uint8_t bits, int fraction_bits, int bias) {
  const int exponent = (bits & 0x7f) >> fraction_bits, fraction = bits & ((1 << fraction_bits) - 1);
  double value = exponent ? std::ldexp((1 << fraction_bits) + fraction, exponent - bias - fraction_bits)
                          : std::ldexp(fraction, 1 - bias - fraction_bits);
  if (fraction_bits == 3 && (bits & 0x7f) == 0x7f) value = std::numeric_limits<double>::quiet_NaN();
  if (fraction_bits == 2 && exponent == 31) value = fraction ? std::numeric_limits<double>::quiet_NaN() : INFINITY;
  return bits & 0x80 ? -value : value;
}

std::uint8_t f8e4m3_of(double value) {
  const std::uint8_t sign = std::signbit(value) ? 0x80 : 0;
  const double rounded = std::fabs(round_to(value, 4, -9));
  if (!(rounded <= 448)) return sign | 0x7f;
  if (rounded == 0) return sign;
  int exponent = 0;
  std::frexp(rounded, &exponent);
  if (exponent < -5) return static_cast<std::uint8_t>(sign | static_cast<int>(std::ldexp(rounded, 9)));
  return static_cast<std::uint8_t>(sign | (exponent + 6) << 3 |
                                   (static_cast<int>(std::ldexp(rounded, 4 - exponent)) - 8));
}

// The upper half of an f16.
std::uint8_t f8e5m2_of(double value) {
  return static_cast<std::uint8_t>(half_of(std::isnan(value) ? value : round_to(value, 3, -16)) >> 8);
}

template <class T>
T integer_of(const Number &number) {
  if (number.integer) return static_cast<T>(number.negative ? ~(number.magnitude - 1) : number.magnitude);
  using Limits = std::numeric_limits<T>;
  if (std::isnan(number.real)) return 0;
  // The limits of 64 bits are not doubles; the next ones past them are.
  const double past = std::ldexp(1.0, Limits::digits);
  if (number.real >= past) return Limits::max();
  if (number.real <= (Limits::is_signed ? -past : 0.0)) return Limits::min();
  return static_cast<T>(number.real);
}

Number read(DataType type, const void *from) {
  switch (type) {
    case DataType::i8:
      return whole(load<std::int8_t>(from));
    case DataType::i16:
      return whole(load<std::int16_t>(from));
    case DataType::i32:
      return whole(load<std::int32_t>(from));
    case DataType::i64:
      return whole(load<std::int64_t>(from));
    case DataType::u8:
      return natural(load<std::uint8_t>(from));
    case DataType::u16:
      return natural(load<std::uint16_t>(from));
    case DataType::u32:
      return natural(load<std::uint32_t>(from));
    case DataType::u64:
      return natural(load<std::uint64_t>(from));
    case DataType::boolean:
      return natural(load<std::uint8_t>(from) != 0);
    case DataType::f16:
      return real(half_value(load<std::uint16_t>(from)));
    case DataType::bf16:
      return real(static_cast<double>(bf16_value(load<std::uint16_t>(from))));
    case DataType::f8e4m3:
      return real(f8_value(load<std::uint8_t>(from), 3, 7));
    case DataType::f8e5m2:
      return real(f8_value(load<std::uint8_t>(from), 2, 15));
    case DataType::f32:
      return real(static_cast<double>(load<float>(from)));
    case DataType::f64:
      return real(load<double>(from));
    case DataType::c64: {
      const auto *parts = static_cast<const unsigned char *>(from);
      return real(static_cast<double>(load<float>(parts)), static_cast<double>(load<float>(parts + 4)));
    }
    case DataType::c128: {
      const auto *parts = static_cast<const unsigned char *>(from);
      return real(load<double>(parts), load<double>(parts + 8));
    }
    case DataType::none:
      break;
  }
  return {};
}

}  // namespace

void convert_element(DataType from_type, const void *from, DataType to, unsigned char *out) noexcept {
  if (from_type == to) {  // bit by bit, NaNs too
    std::memcpy(out, from, size_of(to));
    return;
  }
  const Number number = read(from_type, from);
  const double value = number.integer ? to_odd(number) : number.real;
  const double exact = number.integer ? (number.negative ? -static_cast<double>(number.magnitude)
                                                         : static_cast<double>(number.magnitude))
                                      : number.real;
  switch (to) {
    case DataType::i8:
      return put(out, integer_of<std::int8_t>(number));
    case DataType::i16:
      return put(out, integer_of<std::int16_t>(number));
    case DataType::i32:
      return put(out, integer_of<std::int32_t>(number));
    case DataType::i64:
      return put(out, integer_of<std::int64_t>(number));
    case DataType::u8:
      return put(out, integer_of<std::uint8_t>(number));
    case DataType::u16:
      return put(out, integer_of<std::uint16_t>(number));
    case DataType::u32:
      return put(out, integer_of<std::uint32_t>(number));
    case DataType::u64:
      return put(out, integer_of<std::uint64_t>(number));
    case DataType::boolean:
      return put(out, static_cast<std::uint8_t>(number.integer ? number.magnitude != 0
                                                               : number.real != 0 || number.imaginary != 0));
    case DataType::f16:
      return put(out, half_of(value));
    case DataType::bf16:
      return put(out, bf16_of(value));
    case DataType::f8e4m3:
      return put(out, f8e4m3_of(value));
    case DataType::f8e5m2:
      return put(out, f8e5m2_of(value));
    case DataType::f32:
      return put(out, static_cast<float>(value));
    case DataType::f64:
      return put(out, exact);
    case DataType::c64:
      put(out, static_cast<float>(value));
      return put(out + 4, static_cast<float>(number.imaginary));
    case DataType::c128:
      put(out, exact);
      return put(out + 8, number.imaginary);
    case DataType::none:
      return;
  }
}

}  // namespace gpucompute
