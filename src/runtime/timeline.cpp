#include "runtime/timeline.hpp"

#include <thread>

#include "runtime/backoff.hpp"

namespace gpucompute {
namespace {

std::atomic<std::uint64_t> left_behind{0};

void CL_CALLBACK one_is_complete(cl_event, cl_int, void *) { left_behind.fetch_sub(1, std::memory_order_acq_rel); }

}  // namespace

std::uint64_t queues_left_behind() noexcept { return left_behind.load(std::memory_order_acquire); }

Timeline::~Timeline() {
  if (process_running() && !done(last())) leave_behind();
  close_queue_track(track_.load());
}

// Nothing of ours holds on to the queue: a marker that nobody waits for counts it down.
void Timeline::leave_behind() noexcept {
  if (look(last()) != Look::pending || markers_.empty()) return;
  left_behind.fetch_add(1, std::memory_order_acq_rel);
  if (clSetEventCallback(markers_.back().event.get(), CL_COMPLETE, one_is_complete, nullptr) != CL_SUCCESS)
    left_behind.fetch_sub(1, std::memory_order_acq_rel);
}

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
    // By hand: at exit, when queues are drained, handles release nothing any more.
    clReleaseEvent(markers_.front().event.give());
    markers_.pop_front();
  }
  if (done(sequence)) return Look::done;
  if (!markers_.empty() && markers_.back().sequence >= sequence) return Look::pending;
  std::list<Marker> made;
  try {
    made.emplace_back();
  } catch (...) {  // before the marker: without a record of it each look would put another one on the queue
    return Look::refused;
  }
  Marker &marker = made.back();
  marker.sequence = last();
  if (clEnqueueMarkerWithWaitList(queue_.get(), 0, nullptr, marker.event.receive()) != CL_SUCCESS) return Look::refused;
  clFlush(queue_.get());
  markers_.splice(markers_.end(), made);
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
