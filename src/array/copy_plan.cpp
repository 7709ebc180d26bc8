#include "array/copy_plan.hpp"

#include <algorithm>
#include <cstdlib>

#include "support/checked_math.hpp"

namespace gpucompute {

std::uint64_t CopyWalk::count() const noexcept {
  std::uint64_t count = 1;
  for (const CopyAxis &axis : axes) count *= axis.size;
  return count;
}

void CopyWalk::drop_ones(std::size_t first) {
  const auto from = axes.begin() + static_cast<std::ptrdiff_t>(std::min(first, axes.size()));
  axes.erase(std::remove_if(from, axes.end(), [](const CopyAxis &axis) { return axis.size == 1; }), axes.end());
  if (axes.empty()) axes.push_back({1, 0, 0});
}

void CopyWalk::simplify() {
  drop_ones(0);  // their strides may be any number
  for (CopyAxis &axis : axes) {
    const bool backwards = axis.dst < 0;
    if (!backwards) continue;
    dst_offset = moved(dst_offset, axis.size - 1, axis.dst);
    src_offset = moved(src_offset, axis.size - 1, axis.src);
    axis.dst = -axis.dst;
    axis.src = -axis.src;
  }
  std::stable_sort(axes.begin(), axes.end(), [](const CopyAxis &a, const CopyAxis &b) { return a.dst < b.dst; });
  std::vector<CopyAxis> merged;
  for (const CopyAxis &axis : axes) {
    if (!merged.empty()) {
      CopyAxis &last = merged.back();
      const auto size = static_cast<std::int64_t>(last.size);
      if (axis.dst == last.dst * size && axis.src == last.src * size) {
        last.size *= axis.size;
        continue;
      }
    }
    merged.push_back(axis);
  }
  axes = std::move(merged);
}

void CopyWalk::scale(std::int64_t dst_unit, std::int64_t src_unit) {
  for (CopyAxis &axis : axes) {
    axis.dst /= dst_unit;
    axis.src /= src_unit;
  }
  dst_offset /= static_cast<std::uint64_t>(dst_unit);
  src_offset /= static_cast<std::uint64_t>(src_unit);
}

std::uint64_t CopyWalk::common_unit(std::uint64_t most, bool has_source) const noexcept {
  std::uint64_t all = axes.front().size | dst_offset | (has_source ? src_offset : 0);
  for (std::size_t a = 1; a < axes.size(); ++a)
    all |= magnitude(axes[a].dst) | (has_source ? magnitude(axes[a].src) : 0);
  while (all % most) most /= 2;
  return most;
}

bool CopyWalk::wide() const noexcept {
  // Strides are of views that fit 63 bits.
  unsigned __int128 dst = 0, src = 0;
  for (const CopyAxis &axis : axes) {
    dst += static_cast<unsigned __int128>(axis.size) * magnitude(axis.dst);
    src += static_cast<unsigned __int128>(axis.size) * magnitude(axis.src);
  }
  return dst > INT32_MAX || src > INT32_MAX;
}

void CopyWalk::split(std::uint64_t most, const std::function<void(const CopyWalk &)> &each) const {
  if (count() <= most) return each(*this);
  std::size_t slowest = 0;
  std::uint64_t inside = 1;  // elements within one step of that axis
  while (inside * axes[slowest].size <= most) inside *= axes[slowest++].size;
  const std::uint64_t chunk = std::max<std::uint64_t>(most / inside, 1);
  CopyWalk part = *this;
  part.axes.resize(slowest + 1);
  std::uint64_t outside = 1;
  for (std::size_t a = slowest + 1; a < axes.size(); ++a) outside *= axes[a].size;
  for (std::uint64_t step = 0; step < outside; ++step) {
    std::uint64_t dst = dst_offset, src = src_offset, rest = step;
    for (std::size_t a = slowest + 1; a < axes.size(); ++a) {
      dst = moved(dst, rest % axes[a].size, axes[a].dst);
      src = moved(src, rest % axes[a].size, axes[a].src);
      rest /= axes[a].size;
    }
    for (std::uint64_t begin = 0; begin < axes[slowest].size; begin += chunk) {
      part.axes[slowest].size = std::min(chunk, axes[slowest].size - begin);
      part.dst_offset = moved(dst, begin, axes[slowest].dst);
      part.src_offset = moved(src, begin, axes[slowest].src);
      each(part);
    }
  }
}

FastDivisor fast_divisor(std::uint32_t divisor) noexcept {
  std::uint32_t bits = 0;
  while ((std::uint64_t(1) << bits) < divisor) ++bits;
  return {static_cast<std::uint32_t>((std::uint64_t(1) << (31 + bits)) / divisor + 1), bits - 1};
}

}  // namespace gpucompute
