#include "runtime/timeline.hpp"

#include <thread>

#include "runtime/backoff.hpp"

namespace gpucompute {

void Timeline::completed(std::uint64_t sequence) noexcept {
  std::uint64_t known = completed_.load(std::memory_order_relaxed);
  while (known < sequence && !completed_.compare_exchange_weak(known, sequence, std::memory_order_acq_rel)) {
  }
}

Timeline::Look Timeline::look(std::uint64_t sequence) noexcept {
  if (done(sequence)) return Look::done;
  std::lock_guard<std::mutex> lock(mutex_);
  while (!markers_.empty()) {
    cl_int status = CL_QUEUED;
    const cl_int code = clGetEventInfo(markers_.front().event.get(), CL_EVENT_COMMAND_EXECUTION_STATUS, sizeof status,
                                       &status, nullptr);
    if (code == CL_SUCCESS && status > CL_COMPLETE) break;
    // A failed marker (negative status) is over as well: nothing runs any more. One that the driver does not tell of
    // says nothing; another takes its place.
    if (code == CL_SUCCESS) completed(markers_.front().sequence);
    markers_.pop_front();
  }
  if (done(sequence)) return Look::done;
  if (!markers_.empty() && markers_.back().sequence >= sequence) return Look::pending;
  const std::uint64_t covers = last();
  cl_event event = nullptr;
  if (clEnqueueMarkerWithWaitList(queue_.get(), 0, nullptr, &event) != CL_SUCCESS) return Look::refused;
  clFlush(queue_.get());
  try {
    markers_.push_back({covers, ClEvent(event)});
  } catch (...) {  // no memory for the record: the ClEvent released the event, the next poll places another marker
  }
  return Look::pending;
}

bool Timeline::wait(std::uint64_t sequence, std::chrono::nanoseconds limit) noexcept {
  Backoff backoff;
  const auto end = std::chrono::steady_clock::now() + limit;
  // A driver that lost the device refuses for ever, so it is not asked until the time is over.
  for (int refusals = 0; refusals < 3;) {
    const Look found = look(sequence);
    if (found == Look::done) return true;
    refusals = found == Look::refused ? refusals + 1 : 0;
    if (std::chrono::steady_clock::now() >= end) return false;
    backoff.pause();
  }
  return false;
}

}  // namespace gpucompute
