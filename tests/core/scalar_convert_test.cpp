// Numbers from type to type: every refusal, and halves bit by bit.
#include "program/scalar_convert.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <string>
#include <vector>

#include "support/fixture.hpp"

using namespace gpucompute;
using namespace gpucompute::test;

TEST_SUITE_BEGIN("program");

namespace {

template <class T>
struct TypeOf;
template <>
struct TypeOf<std::int8_t> {
  static constexpr DataType value = DataType::i8;
};
template <>
struct TypeOf<std::uint8_t> {
  static constexpr DataType value = DataType::u8;
};
template <>
struct TypeOf<std::int16_t> {
  static constexpr DataType value = DataType::i16;
};
template <>
struct TypeOf<std::uint16_t> {
  static constexpr DataType value = DataType::u16;
};
template <>
struct TypeOf<std::int32_t> {
  static constexpr DataType value = DataType::i32;
};
template <>
struct TypeOf<std::uint32_t> {
  static constexpr DataType value = DataType::u32;
};
template <>
struct TypeOf<std::int64_t> {
  static constexpr DataType value = DataType::i64;
};
template <>
struct TypeOf<std::uint64_t> {
  static constexpr DataType value = DataType::u64;
};
template <>
struct TypeOf<float> {
  static constexpr DataType value = DataType::f32;
};
template <>
struct TypeOf<double> {
  static constexpr DataType value = DataType::f64;
};

// The 80-bit type of this machine holds every 64-bit integer and every double.
using Exact = long double;
static_assert(std::numeric_limits<Exact>::digits >= 64);

// True: converted to `out`, and no byte beyond its size touched.
template <class From, class To>
bool convert(From value, To &out, std::string &reason) {
  unsigned char bytes[24];
  std::memset(bytes, 0xEE, sizeof bytes);
  const bool done = convert_scalar(TypeOf<From>::value, &value, TypeOf<To>::value, bytes + 8, reason);
  for (std::size_t i = 0; i < sizeof bytes; ++i) {
    const bool mine = i >= 8 && i < 8 + sizeof(To) && done;
    if (!mine && bytes[i] != 0xEE) throw std::runtime_error("a byte outside was touched");
  }
  std::memcpy(&out, bytes + 8, sizeof out);
  return done;
}

template <class To>
bool representable(Exact value) {
  if constexpr (std::is_integral_v<To>)
    return value == std::trunc(value) && value >= static_cast<Exact>(std::numeric_limits<To>::min()) &&
           value <= static_cast<Exact>(std::numeric_limits<To>::max());
  else
    return true;
}

struct Tally {
  int accepted = 0, refused = 0, wrong = 0, speechless = 0;
};

template <class From, class To>
void check_one(From value, Tally &tally) {
  To out{};
  std::string reason;
  const bool done = convert(value, out, reason);
  const bool expected = representable<To>(static_cast<Exact>(value));
  if (done) {
    ++tally.accepted;
    if constexpr (std::is_integral_v<To>)
      tally.wrong += static_cast<Exact>(out) != static_cast<Exact>(value);
    else
      tally.wrong += out != static_cast<To>(value);
  } else {
    ++tally.refused;
    tally.speechless += reason.empty() || !contains(reason, "got ");
  }
  tally.wrong += done != expected;
}

template <class From>
void check_all_targets(From value, Tally &tally) {
  check_one<From, std::int8_t>(value, tally);
  check_one<From, std::uint8_t>(value, tally);
  check_one<From, std::int16_t>(value, tally);
  check_one<From, std::uint16_t>(value, tally);
  check_one<From, std::int32_t>(value, tally);
  check_one<From, std::uint32_t>(value, tally);
  check_one<From, std::int64_t>(value, tally);
  check_one<From, std::uint64_t>(value, tally);
  if constexpr (!std::is_same_v<From, double>) check_one<From, float>(value, tally);
  check_one<From, double>(value, tally);
}

// All limits of all types and their neighbours, as far as From has them.
template <class From>
void check_source() {
  Tally tally;
  for (int bits : {0, 7, 8, 15, 16, 31, 32, 63, 64})
    for (int sign : {-1, 1})
      for (Exact near : {-2.0L, -1.0L, -0.5L, 0.0L, 0.5L, 1.0L, 2.0L}) {
        const Exact value = sign * std::ldexp(1.0L, bits) + near;
        const Exact least = std::numeric_limits<From>::lowest(), most = std::numeric_limits<From>::max();
        if (value < least || value > most) continue;
        check_all_targets(static_cast<From>(value), tally);
      }
  check_all_targets(std::numeric_limits<From>::lowest(), tally);
  check_all_targets(std::numeric_limits<From>::max(), tally);
  Dice dice(50);
  CAPTURE(dice.seed());
  for (int i = 0; i < 3000; ++i) {
    const std::uint64_t bits = dice.bits() >> dice.between(0, 63);
    if constexpr (std::is_integral_v<From>)
      check_all_targets(static_cast<From>(bits), tally);
    else
      check_all_targets(static_cast<From>(static_cast<std::int64_t>(bits)) / static_cast<From>(dice.between(1, 2)),
                        tally);
  }
  CAPTURE(name_of(TypeOf<From>::value));
  CHECK(tally.wrong == 0);
  CHECK(tally.speechless == 0);
  CHECK(tally.accepted > 1000);
  CHECK(tally.refused > 1000);
}

std::string reason_of(DataType from, const void *value, DataType to) {
  unsigned char out[8];
  std::string reason;
  return convert_scalar(from, value, to, out, reason) ? "accepted" : reason;
}

double half_value(std::uint16_t half) {
  const int sign = half >> 15, exponent = (half >> 10) & 31, fraction = half & 1023;
  double value;
  if (exponent == 31)
    value = fraction ? std::numeric_limits<double>::quiet_NaN() : std::numeric_limits<double>::infinity();
  else if (exponent == 0)
    value = std::ldexp(fraction, -24);
  else
    value = std::ldexp(1024 + fraction, exponent - 25);
  return sign ? -value : value;
}

std::uint16_t half_of(double value) {
  unsigned char out[8] = {};
  std::string reason;
  if (!convert_scalar(DataType::f64, &value, DataType::f16, out, reason)) return 0xDEAD;
  std::uint16_t half;
  std::memcpy(&half, out, sizeof half);
  return half;
}

}  // namespace

TEST_CASE("integers and reals become any type that holds them, and no other") {
  check_source<std::int8_t>();
  check_source<std::uint8_t>();
  check_source<std::int16_t>();
  check_source<std::uint16_t>();
  check_source<std::int32_t>();
  check_source<std::uint32_t>();
  check_source<std::int64_t>();
  check_source<std::uint64_t>();
  check_source<float>();
  check_source<double>();
}

TEST_CASE("what is refused, and why") {
  const double half = 2.5, two = 2.0, large = 1e300, past_u64 = 0x1p64, least = -0x1p63, below = -0x1.0000000000001p63,
               not_half = 65520, nearly = 65519.99999999;
  const double infinite = std::numeric_limits<double>::infinity(), nan = std::numeric_limits<double>::quiet_NaN();
  const std::int32_t minus_one = -1, much = 300, very_much = 70000;
  CHECK(contains(reason_of(DataType::f64, &half, DataType::i32), "got 2.5, which is not a whole number"));
  CHECK(reason_of(DataType::f64, &two, DataType::i32) == "accepted");
  CHECK(contains(reason_of(DataType::i32, &minus_one, DataType::u32), "got -1, must be 0 to 4294967295"));
  CHECK(contains(reason_of(DataType::i32, &minus_one, DataType::u64), "must be 0 to 18446744073709551615"));
  CHECK(contains(reason_of(DataType::i32, &much, DataType::u8), "got 300, must be 0 to 255"));
  CHECK(contains(reason_of(DataType::i32, &much, DataType::i8), "must be -128 to 127"));
  CHECK(contains(reason_of(DataType::f64, &large, DataType::f32), "too large"));
  CHECK(contains(reason_of(DataType::f64, &large, DataType::u64), "not a whole number of that type"));
  CHECK(reason_of(DataType::f64, &large, DataType::f64) == "accepted");
  CHECK(contains(reason_of(DataType::f64, &past_u64, DataType::u64), "got 1.8"));
  CHECK(reason_of(DataType::f64, &least, DataType::i64) == "accepted");
  CHECK(reason_of(DataType::f64, &below, DataType::i64) != "accepted");
  CHECK(contains(reason_of(DataType::f64, &not_half, DataType::f16), "too large"));
  CHECK(contains(reason_of(DataType::i32, &very_much, DataType::f16), "too large"));
  CHECK(half_of(nearly) == 0x7BFF);
  for (DataType to : {DataType::i8, DataType::u8, DataType::i64, DataType::u64}) {
    CHECK(reason_of(DataType::f64, &infinite, to) != "accepted");
    CHECK(reason_of(DataType::f64, &nan, to) != "accepted");
  }
  for (DataType from : {DataType::none, DataType::f16, DataType::c64, DataType::c128, DataType::bf16,
                        static_cast<DataType>(99), static_cast<DataType>(-1)})
    CHECK(contains(reason_of(from, &half, DataType::i32), "got a scalar of type"));
}

TEST_CASE("a real rounds to float as the host rounds, and never from finite to infinite") {
  Dice dice(51);
  CAPTURE(dice.seed());
  int wrong = 0, refused = 0;
  for (int i = 0; i < 200000; ++i) {
    std::uint64_t bits = dice.bits();
    if (i % 2)
      bits = (bits & 0x800FFFFFFFFFFFFFu) |
             (std::uint64_t(1023 - 152 + dice.between(0, 282)) << 52);  // near float's range
    double value;
    std::memcpy(&value, &bits, sizeof value);
    float out;
    std::string reason;
    const bool done = convert(value, out, reason);
    if (std::isnan(value))
      wrong += !done || !std::isnan(out);
    else if (std::isinf(value))
      wrong += !done || static_cast<double>(out) != value;
    else if (std::fabs(value) < 0x1.ffffffp127)
      wrong += !done || out != static_cast<float>(value);
    else
      wrong += done, ++refused;
  }
  CHECK(wrong == 0);
  CHECK(refused > 1000);
  float out = 0;
  std::string reason;
  CHECK(convert(0x1.fffffefffffffp127, out, reason));  // the last that rounds down
  CHECK(out == std::numeric_limits<float>::max());
  CHECK_FALSE(convert(0x1.ffffffp127, out, reason));
  CHECK_FALSE(convert(-0x1.ffffffp127, out, reason));
  CHECK(convert(-0.0, out, reason));
  CHECK(std::signbit(out));
}

TEST_CASE("every half comes back from float and double") {
  int wrong = 0;
  for (std::uint32_t bits = 0; bits < 65536; ++bits) {
    const auto half = static_cast<std::uint16_t>(bits);
    const double value = half_value(half);
    const bool nan = std::isnan(value);
    const std::uint16_t from_float = half_bits(static_cast<float>(value)), from_double = half_of(value);
    const bool good_nan = (from_float & 0x7C00) == 0x7C00 && (from_float & 0x3FF) && (from_double & 0x7C00) == 0x7C00 &&
                          (from_double & 0x3FF);
    wrong += nan ? !good_nan : from_float != half || from_double != half;
  }
  CHECK(wrong == 0);
}

TEST_CASE("halfway between two halves goes to the even one, the rest to the nearer one") {
  int wrong_float = 0, wrong_double = 0;
  for (std::uint32_t bits = 0; bits < 0x7C00; ++bits) {
    const auto low = static_cast<std::uint16_t>(bits), high = static_cast<std::uint16_t>(bits + 1);
    // The one after the largest finite half would be 65536.
    const double below = half_value(low), above = bits == 0x7BFF ? 65536 : half_value(high);
    const double middle = (below + above) / 2;
    const std::uint16_t even = bits & 1 ? high : low;
    for (int sign : {0, 0x8000}) {
      const double s = sign ? -1 : 1;
      const auto with = [&](std::uint16_t half) { return static_cast<std::uint16_t>(half | sign); };
      const auto f = static_cast<float>(s * middle);
      wrong_float += half_bits(f) != with(even);
      wrong_float += half_bits(std::nextafterf(f, 0)) != with(low);
      wrong_float += half_bits(std::nextafterf(f, static_cast<float>(s * 1e30))) != with(high);
      wrong_double += half_of(std::nextafter(s * middle, 0)) != with(low);
      if (bits == 0x7BFF) continue;  // finite, and refused, not infinite
      wrong_double += half_of(s * middle) != with(even);
      wrong_double += half_of(std::nextafter(s * middle, s * 1e30)) != with(high);
    }
  }
  CHECK(wrong_float == 0);
  CHECK(wrong_double == 0);
  CHECK(half_bits(65520.0f) == 0x7C00);
  CHECK(half_bits(-65520.0f) == 0xFC00);
  CHECK(half_bits(65519.996f) == 0x7BFF);
  CHECK(half_bits(std::numeric_limits<float>::max()) == 0x7C00);
  CHECK(half_bits(std::numeric_limits<float>::denorm_min()) == 0);
  CHECK(half_bits(-std::numeric_limits<float>::denorm_min()) == 0x8000);
  CHECK(half_of(std::numeric_limits<double>::denorm_min()) == 0);
  CHECK(half_of(-std::numeric_limits<double>::denorm_min()) == 0x8000);
}

TEST_CASE("random floats become the nearest half") {
  std::vector<double> halves;  // ascending
  for (std::uint32_t bits = 0; bits <= 0x7BFF; ++bits) halves.push_back(half_value(static_cast<std::uint16_t>(bits)));
  Dice dice(52);
  CAPTURE(dice.seed());
  int wrong = 0;
  for (int i = 0; i < 100000; ++i) {
    const double value = std::ldexp(1 + dice.real(0, 1), static_cast<int>(dice.integer(-26, 14)));
    const auto f = static_cast<float>(value);
    for (bool from_float : {true, false}) {
      const double exact = from_float ? static_cast<double>(f) : value;
      const std::uint16_t got = from_float ? half_bits(f) : half_of(value);
      const auto after = std::upper_bound(halves.begin(), halves.end(), exact);
      double best = *(after - 1);
      if (after != halves.end() && *after - exact < exact - best) best = *after;
      wrong += std::fabs(half_value(got) - exact) > std::fabs(best - exact);
    }
  }
  CHECK(wrong == 0);
}

TEST_SUITE_END();
