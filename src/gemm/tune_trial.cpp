#include "gemm/tune_trial.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstring>
#include <random>

#include "support/cl_check.hpp"

namespace gpucompute {
namespace {

// A floating-point format: where its exponent lies, and what stands for 1.
struct Format {
  int bytes, mantissa_bits;
  std::uint64_t bias;
};

Format format_of(DataType type) {
  switch (type) {
    case DataType::f16:
      return {2, 10, 15};
    case DataType::bf16:
      return {2, 7, 127};
    case DataType::f64:
    case DataType::c128:
      return {8, 52, 1023};
    default:
      return {4, 23, 127};
  }
}

// Numbers of either sign between 1/4 and 1: bits at random, with one of two exponents.
std::vector<unsigned char> random_numbers(DataType type, std::size_t count, std::mt19937_64 &random) {
  const Format format = format_of(type);
  const std::size_t parts = count * size_of(type) / static_cast<std::size_t>(format.bytes);
  std::vector<unsigned char> bytes(parts * static_cast<std::size_t>(format.bytes));
  const std::uint64_t mantissa = (std::uint64_t{1} << format.mantissa_bits) - 1;
  const int sign_at = format.bytes * 8 - 1;
  for (std::size_t i = 0; i < parts; ++i) {
    const std::uint64_t word = random();
    const std::uint64_t bits =
        (word >> 63) << sign_at | (format.bias - 1 - (word >> 62 & 1)) << format.mantissa_bits | (word & mantissa);
    // The low bytes first, as on every device that computes here.
    for (int b = 0; b < format.bytes; ++b)
      bytes[i * static_cast<std::size_t>(format.bytes) + static_cast<std::size_t>(b)] =
          static_cast<unsigned char>(bits >> (8 * b) & 0xff);
  }
  return bytes;
}

double number_at(const unsigned char *from, DataType type) {
  const Format format = format_of(type);
  std::uint64_t bits = 0;
  for (int b = 0; b < format.bytes; ++b) bits |= std::uint64_t{from[b]} << (8 * b);
  if (format.bytes == 8) {
    double value;
    std::memcpy(&value, &bits, sizeof value);
    return value;
  }
  if (type != DataType::f16) {
    const auto word = static_cast<std::uint32_t>(format.bytes == 2 ? bits << 16 : bits);
    float value;
    std::memcpy(&value, &word, sizeof value);
    return value;
  }
  const int exponent = static_cast<int>(bits >> 10 & 31);
  const double fraction = static_cast<double>(bits & 1023) / 1024;
  const double size = exponent == 31  ? (fraction == 0 ? HUGE_VAL : std::nan(""))
                      : exponent == 0 ? std::ldexp(fraction, -14)
                                      : std::ldexp(1 + fraction, exponent - 15);
  return bits >> 15 ? -size : size;
}

std::shared_ptr<Buffer> filled(Queue &queue, DataType type, std::size_t count, std::mt19937_64 &random) {
  const auto bytes = random_numbers(type, count, random);
  auto buffer = Buffer::create(queue.context(), bytes.size());
  buffer->write(queue, 0, bytes.size(), bytes.data());
  return buffer;
}

}  // namespace

TuneTrial::TuneTrial(Queue &queue, DataType type, bool a_transposed, bool b_transposed, std::int64_t n)
    : queue_(queue) {
  problem_.type = type;
  problem_.transpose_a = a_transposed ? Transpose::trans : Transpose::none;
  problem_.transpose_b = b_transposed ? Transpose::trans : Transpose::none;
  problem_.m = problem_.n = problem_.k = n;
  const std::size_t count = static_cast<std::size_t>(n) * static_cast<std::size_t>(n);
  // The same numbers each time: times depend on data, by the power they take.
  std::mt19937_64 random(static_cast<std::uint64_t>(n));
  a_ = filled(queue, type, count, random);
  b_ = filled(queue, type, count, random);
  c_ = Buffer::create(queue.context(), count * size_of(type));
}

void TuneTrial::put(const std::string &backend) {
  problem_.backend = backend;
  gemm(queue_, problem_, a_.get(), b_.get(), *c_);
}

std::vector<double> TuneTrial::read_result() {
  std::vector<unsigned char> bytes(c_->size());
  c_->read(queue_, 0, bytes.size(), bytes.data());
  const auto step = static_cast<std::size_t>(format_of(problem_.type).bytes);
  std::vector<double> numbers(bytes.size() / step);
  for (std::size_t i = 0; i < numbers.size(); ++i) numbers[i] = number_at(bytes.data() + i * step, problem_.type);
  return numbers;
}

bool TuneTrial::is_right(const std::string &backend) {
  const auto compute = [&](const std::string &name) {
    const unsigned char poison = 0xff;  // NaN in every type
    c_->fill(queue_, &poison, 1, 0, c_->size(), {}, nullptr);
    put(name);
    return read_result();
  };
  if (expected_.empty()) expected_ = compute("reference");
  const std::vector<double> got = compute(backend);
  // Two sums of k products below 1 in different orders, whose roundings are random, and each rounded to the type.
  // CLBlast sums f16 in f16.
  const double eps = std::ldexp(1.0, -format_of(problem_.type).mantissa_bits);
  const bool wide_sums = problem_.type == DataType::bf16 || (problem_.type == DataType::f16 && backend != "clblast");
  const double sums = (wide_sums ? std::ldexp(1.0, -23) : eps) * static_cast<double>(problem_.k);
  for (std::size_t i = 0; i < got.size(); ++i) {
    const double bound = 4 * eps * std::abs(expected_[i]) + 8 * sums;
    if (!(std::abs(got[i] - expected_[i]) <= bound)) return false;
  }
  return true;
}

double TuneTrial::seconds(const std::string &backend, int samples) {
  using Clock = std::chrono::steady_clock;
  const auto take = [&](int count) {
    queue_.finish();
    const auto begin = Clock::now();
    for (int i = 0; i < count; ++i) put(backend);
    queue_.finish();
    return std::chrono::duration<double>(Clock::now() - begin).count();
  };
  constexpr double long_enough = 2e-3;
  int count = 1;
  double once = take(count);
  while (once < long_enough && count < 4096) {
    count *= once > 0 ? static_cast<int>(std::clamp(1.5 * long_enough / once, 2.0, 16.0)) : 16;
    once = take(count);
  }
  std::vector<double> taken;
  for (int i = 0; i < samples; ++i) taken.push_back(take(count) / count);
  std::nth_element(taken.begin(), taken.begin() + samples / 2, taken.end());
  return taken[static_cast<std::size_t>(samples / 2)];
}

}  // namespace gpucompute
