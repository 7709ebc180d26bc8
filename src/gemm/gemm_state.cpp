#include "gemm/gemm_state.hpp"

namespace gpucompute {

GemmState &GemmState::of(Context &context) {
  static const char key = 0;
  // The context keeps it, and the caller keeps the context.
  return *static_cast<GemmState *>(
      context.attachment(&key, [] { return std::static_pointer_cast<void>(std::make_shared<GemmState>()); }).get());
}

void GemmState::drop(const std::string &what, const Device &device, const std::string &reason) {
  std::lock_guard<std::mutex> lock(mutex_);
  dropped_.emplace(std::make_pair(what, &device), reason);
  dropped_any_.store(true, std::memory_order_relaxed);
}

std::string GemmState::dropped(const std::string &what, const Device &device) const {
  std::lock_guard<std::mutex> lock(mutex_);
  if (dropped_.empty()) return {};
  const auto found = dropped_.find(std::make_pair(what, &device));
  return found == dropped_.end() ? std::string() : found->second;
}

}  // namespace gpucompute
