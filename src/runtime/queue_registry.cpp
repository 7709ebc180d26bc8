#include "runtime/queue_registry.hpp"

#include <algorithm>
#include <mutex>
#include <new>
#include <vector>

#include "runtime/backoff.hpp"
#include "runtime/timeline.hpp"

namespace gpucompute {
namespace {

// Leaked on purpose: threads that outlive main() may still be in here.
struct Registry {
  std::mutex mutex;
  std::vector<std::weak_ptr<Timeline>> timelines;
};

// In memory of its own: the drain at exit may be its first use, and must not fail.
Registry &registry() noexcept {
  alignas(Registry) static unsigned char memory[sizeof(Registry)];
  static auto *const instance = new (memory) Registry;
  return *instance;
}

// Exit with work in flight crashes some drivers; exit that waits for ever is no better.
void drain_queues() noexcept {
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(2);
  std::vector<std::weak_ptr<Timeline>> timelines;
  {
    std::unique_lock<std::mutex> lock(registry().mutex, std::try_to_lock);
    if (!lock.owns_lock()) return;
    timelines.swap(registry().timelines);
  }
  for (const auto &weak : timelines) {
    const auto timeline = weak.lock();
    if (!timeline || timeline->last() == 0) continue;
    const auto left = end - std::chrono::steady_clock::now();
    if (left <= std::chrono::nanoseconds(0)) return;
    timeline->wait(timeline->last(), left);
  }
  Backoff backoff;
  while (queues_left_behind() != 0 && std::chrono::steady_clock::now() < end) backoff.pause();
}

}  // namespace

void register_timeline(const std::shared_ptr<Timeline> &timeline) {
  static std::once_flag once;
  std::call_once(once, [] { process_on_exit(drain_queues); });
  std::lock_guard<std::mutex> lock(registry().mutex);
  auto &all = registry().timelines;
  // Sweeping only when the list would grow keeps the cost of a queue constant on average.
  if (all.size() == all.capacity())
    all.erase(std::remove_if(all.begin(), all.end(), [](const auto &weak) { return weak.expired(); }), all.end());
  all.push_back(timeline);
}

}  // namespace gpucompute
