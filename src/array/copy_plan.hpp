// How the elements of a strided copy are walked: as few axes as can be, in the order that suits memory.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

namespace gpucompute {

// Strides of one axis; bytes, later units of memory.
struct CopyAxis {
  std::uint64_t size;
  std::int64_t dst, src;
};

// The fastest axis first. Offsets count what strides count, from the start of the memory objects.
struct CopyWalk {
  std::vector<CopyAxis> axes;
  std::uint64_t dst_offset = 0, src_offset = 0;

  std::uint64_t count() const noexcept;
  // Leaves out axes of size 1 from `first` on; one axis stays.
  void drop_ones(std::size_t first);
  // Turns axes so that no destination stride is negative, orders them by it, and merges neighbours. The destination's
  // elements do not overlap.
  void simplify();
  // Divides strides and offsets.
  void scale(std::int64_t dst_unit, std::int64_t src_unit);
  // The largest power of two, `most` at most, that divides the length of the first axis, which is bytes without gaps on
  // both sides, and all that places it.
  std::uint64_t common_unit(std::uint64_t most, bool has_source) const noexcept;
  // Whether an offset relative to the start needs more than 31 bits.
  bool wide() const noexcept;
  // Calls `each` with parts of at most `most` elements that together are the walk.
  void split(std::uint64_t most, const std::function<void(const CopyWalk &)> &each) const;
};

// n / divisor = (n * multiplier >> 32) >> shift for all n below 2^31; divisor 2 or more.
struct FastDivisor {
  std::uint32_t multiplier, shift;
};
FastDivisor fast_divisor(std::uint32_t divisor) noexcept;

}  // namespace gpucompute
