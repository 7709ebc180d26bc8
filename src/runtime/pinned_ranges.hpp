// The host ranges of a context that the driver keeps page-locked: copies from and to them need no staging.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <mutex>
#include <shared_mutex>

namespace gpucompute {

class PinnedRanges {
 public:
  void add(const void *pointer, std::size_t size) {
    std::unique_lock<std::shared_mutex> lock(mutex_);
    ranges_[reinterpret_cast<std::uintptr_t>(pointer)] = size;
  }
  void remove(const void *pointer) noexcept {
    std::unique_lock<std::shared_mutex> lock(mutex_);
    ranges_.erase(reinterpret_cast<std::uintptr_t>(pointer));
  }
  bool contains(const void *pointer, std::size_t size) const {
    const auto start = reinterpret_cast<std::uintptr_t>(pointer);
    std::shared_lock<std::shared_mutex> lock(mutex_);
    auto after = ranges_.upper_bound(start);
    if (after == ranges_.begin()) return false;
    --after;
    return start - after->first <= after->second && size <= after->second - (start - after->first);
  }

 private:
  mutable std::shared_mutex mutex_;
  std::map<std::uintptr_t, std::size_t> ranges_;
};

}  // namespace gpucompute
