// Timeline: which commands of a queue are known to be complete, without an event for each.
//
// Commands are counted as they are put on the queue. Waiting for the queue moves `completed` up for free; otherwise a
// marker is put on the queue when somebody needs to know, and one marker answers for every command before it.
#pragma once

#include <CL/cl.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <list>
#include <mutex>
#include <utility>

#include "profile/recorder.hpp"
#include "support/cl_handle.hpp"

namespace gpucompute {

class Timeline {
 public:
  explicit Timeline(ClQueue queue) noexcept : queue_(std::move(queue)) {}
  Timeline(const Timeline &) = delete;
  Timeline &operator=(const Timeline &) = delete;
  ~Timeline();

  cl_command_queue queue() const noexcept { return queue_.get(); }

  // Call after a command was put on the queue: a marker placed by another thread in between then covers it.
  std::uint64_t submitted() noexcept {
    const std::uint64_t sequence = submitted_.fetch_add(1, std::memory_order_acq_rel) + 1;
    if (sequence <= 16) process_arm_again();
    return sequence;
  }
  std::uint64_t last() const noexcept { return submitted_.load(std::memory_order_acquire); }
  bool done(std::uint64_t sequence) const noexcept { return completed_.load(std::memory_order_acquire) >= sequence; }

  // Everything up to `sequence` was seen to be complete.
  void completed(std::uint64_t sequence) noexcept;

  // Looks whether `sequence` is complete, and puts a marker on the queue if none will tell. Does not wait. False also
  // where the driver refuses the marker.
  bool poll(std::uint64_t sequence) noexcept { return look(sequence) == Look::done; }

  // poll() until it is complete, the time is over, or the driver refuses to tell.
  bool wait(std::uint64_t sequence, std::chrono::nanoseconds limit) noexcept;

  // The queue as profiles know it; null until something of it is recorded.
  QueueTrack *track() const noexcept { return track_.load(std::memory_order_acquire); }
  // make() gives the track; called once.
  template <class Make>
  QueueTrack *track(Make &&make) {
    if (QueueTrack *known = track()) return known;
    std::lock_guard<std::mutex> lock(mutex_);
    if (!track_.load()) track_.store(make(), std::memory_order_release);
    return track_.load();
  }

 private:
  struct Marker {
    std::uint64_t sequence = 0;
    ClEvent event;
  };
  enum class Look { done, pending, refused };
  Look look(std::uint64_t sequence) noexcept;
  void leave_behind() noexcept;

  ClQueue queue_;
  std::atomic<std::uint64_t> submitted_{0}, completed_{0};
  std::mutex mutex_;
  std::list<Marker> markers_;  // an empty one holds no memory
  std::atomic<QueueTrack *> track_{nullptr};
};

// How many queues that are gone have commands that are not complete. Exit waits for those, too.
std::uint64_t queues_left_behind() noexcept;

}  // namespace gpucompute
