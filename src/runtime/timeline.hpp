// Timeline: which commands of a queue are known to be complete, without an event for each.
//
// Commands are counted as they are put on the queue. Waiting for the queue moves `completed` up for free; otherwise a
// marker is put on the queue when somebody needs to know, and one marker answers for every command before it.
#pragma once

#include <CL/cl.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <deque>
#include <mutex>

#include "support/cl_handle.hpp"

namespace gpucompute {

class Timeline {
 public:
  explicit Timeline(cl_command_queue adopted) noexcept : queue_(adopted) {}

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

 private:
  struct Marker {
    std::uint64_t sequence;
    ClEvent event;
  };
  enum class Look { done, pending, refused };
  Look look(std::uint64_t sequence) noexcept;

  ClQueue queue_;
  std::atomic<std::uint64_t> submitted_{0}, completed_{0};
  std::mutex mutex_;
  std::deque<Marker> markers_;
};

}  // namespace gpucompute
