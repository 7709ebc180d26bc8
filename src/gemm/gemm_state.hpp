// What this room keeps with a context: which backends failed there.
#pragma once

#include <gpucompute/context.hpp>

#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>

namespace gpucompute {

class GemmState {
 public:
  static GemmState &of(Context &context);

  // What failed on a device (a backend for a type) is not tried again in this context.
  bool dropped_any() const noexcept { return dropped_any_.load(std::memory_order_relaxed); }
  void drop(const std::string &what, const Device &device, const std::string &reason);
  std::string dropped(const std::string &what, const Device &device) const;  // the reason, or ""

 private:
  mutable std::mutex mutex_;
  std::atomic<bool> dropped_any_{false};
  std::map<std::pair<std::string, const Device *>, std::string> dropped_;
};

}  // namespace gpucompute
