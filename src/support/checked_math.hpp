// Sums and products of sizes that fail instead of wrapping.
#pragma once

#include <cstddef>
#include <cstdint>

#include "support/fail.hpp"

namespace gpucompute {

inline std::size_t checked_add(std::size_t a, std::size_t b, const char *what) {
  std::size_t sum;
  if (__builtin_add_overflow(a, b, &sum)) fail(Status::overflow, what, " does not fit 64 bits: ", a, " + ", b);
  return sum;
}

inline std::size_t checked_multiply(std::size_t a, std::size_t b, const char *what) {
  std::size_t product;
  if (__builtin_mul_overflow(a, b, &product)) fail(Status::overflow, what, " does not fit 64 bits: ", a, " * ", b);
  return product;
}

// Of the least number too; nothing wraps.
inline std::uint64_t magnitude(std::int64_t value) noexcept {
  return value < 0 ? static_cast<std::uint64_t>(-(value + 1)) + 1 : static_cast<std::uint64_t>(value);
}

// `steps` strides from `offset`; the caller has checked that this place exists, so nothing wraps.
inline std::uint64_t moved(std::uint64_t offset, std::uint64_t steps, std::int64_t stride) noexcept {
  return stride < 0 ? offset - steps * magnitude(stride) : offset + steps * static_cast<std::uint64_t>(stride);
}

// [offset, offset + size) must lie within [0, whole).
inline void check_range(std::size_t offset, std::size_t size, std::size_t whole, const char *what) {
  if (offset > whole || size > whole - offset)
    fail(Status::out_of_range, what, " is bytes ", offset, " to ", offset, " + ", size, ", the buffer has ", whole);
}

}  // namespace gpucompute
