// Random numbers for tests: the same in every run unless GPUC_TEST_SEED says otherwise. CAPTURE(random.seed()) prints
// what a failure needs to come again.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <random>

namespace gpucompute::test {

class Random {
 public:
  // `salt` makes the numbers of one test differ from those of another.
  explicit Random(std::uint64_t salt) : seed_(base_seed() + salt), engine_(seed_) {}

  // For Random(salt) and GPUC_TEST_SEED = seed() - salt.
  std::uint64_t seed() const { return seed_; }

  // In [low, high). Not std::uniform_real_distribution, which differs between libraries.
  double real(double low, double high) { return low + (high - low) * static_cast<double>(engine_() >> 11) * 0x1p-53; }
  // In [low, high].
  std::int64_t integer(std::int64_t low, std::int64_t high) {
    return low + static_cast<std::int64_t>(engine_() % static_cast<std::uint64_t>(high - low + 1));
  }

 private:
  static std::uint64_t base_seed() {
    const char *value = std::getenv("GPUC_TEST_SEED");
    return value ? std::strtoull(value, nullptr, 0) : 20240229;
  }

  std::uint64_t seed_;
  std::mt19937_64 engine_;
};

}  // namespace gpucompute::test
