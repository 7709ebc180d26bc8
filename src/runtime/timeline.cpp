#include "runtime/timeline.hpp"

#include <thread>

#include "runtime/backoff.hpp"

namespace gpucompute {

void Timeline::completed(std::uint64_t sequence) noexcept {
  std::uint64_t known = completed_.load(std::memory_order_relaxed);
  while (known < sequence && !completed_.compare_exchange_weak(known, sequence, std::memory_order_acq_rel)) {
  }
}

bool Timeline::poll(std::uint64_t sequence) noexcept {
  if (done(sequence)) return true;
  std::lock_guard<std::mutex> lock(mutex_);
  while (!markers_.empty()) {
    cl_int status = CL_QUEUED;
    const cl_int code = clGetEventInfo(markers_.front().event.get(), CL_EVENT_COMMAND_EXECUTION_STATUS, sizeof status,
                                       &status, nullptr);
    // A failed marker (negative status) is over as well: nothing runs any more.
    if (code == CL_SUCCESS && status > CL_COMPLETE) break;
    completed(markers_.front().sequence);
    markers_.pop_front();
  }
  if (done(sequence)) return true;
  if (!markers_.empty() && markers_.back().sequence >= sequence) return false;
  const std::uint64_t covers = last();
  cl_event event = nullptr;
  if (clEnqueueMarkerWithWaitList(queue_.get(), 0, nullptr, &event) != CL_SUCCESS) return false;
  clFlush(queue_.get());
  try {
    markers_.push_back({covers, ClEvent(event)});
  } catch (...) {  // no memory for the record: the ClEvent released the event, the next poll places another marker
  }
  return false;
}

bool Timeline::wait(std::uint64_t sequence, std::chrono::nanoseconds limit) noexcept {
  Backoff backoff;
  const auto end = std::chrono::steady_clock::now() + limit;
  while (!poll(sequence)) {
    if (std::chrono::steady_clock::now() >= end) return false;
    backoff.pause();
  }
  return true;
}

}  // namespace gpucompute
