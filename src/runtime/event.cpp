#include <gpucompute/event.hpp>

#include <fcntl.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "runtime/backoff.hpp"
#include "runtime/event_watcher.hpp"
#include "runtime/memory_guard.hpp"
#include "runtime/memory_pool.hpp"
#include "runtime/quirks.hpp"
#include "runtime/timeline.hpp"
#include "runtime/user_event.hpp"
#include "support/cl_check.hpp"

namespace gpucompute {
namespace {

// Later commands of the queue may run: what it has used is looked at again by the next wait.
void check_memory(Context &context, const Timeline *timeline) {
  if (!guarding_memory() || !timeline) return;
  if (MemoryGuard *guard = context.pool().guard()) guard->check(*timeline, false);
}

}  // namespace

Event::Event(std::shared_ptr<Context> context, cl_event adopted, const char *what, std::string name,
             std::shared_ptr<Timeline> timeline)
    : context_(std::move(context)),
      native_(adopted),
      what_(what),
      name_(std::move(name)),
      timeline_(std::move(timeline)) {}

std::shared_ptr<Event> Event::create_user(Context &context) {
  cl_int code = CL_SUCCESS;
  ClEvent native(clCreateUserEvent(context.native(), &code));
  cl_check(code, "clCreateUserEvent", "creating a user event");
  auto event = std::make_shared<Event>(share(context), native.get(), "a user event", "", nullptr);
  native.give();
  event->user_ = true;
  event->flushed_ = true;
  return event;
}

std::shared_ptr<Event> Event::wrap(Context &context, cl_event native) {
  cl_context owner = nullptr;
  cl_check(clGetEventInfo(native, CL_EVENT_CONTEXT, sizeof owner, &owner, nullptr), "clGetEventInfo");
  if (owner != context.native())
    fail(Status::context_mismatch, "the cl_event belongs to another cl_context than the context given");
  ClEvent shared = ClEvent::share(native);
  auto event = std::make_shared<Event>(share(context), shared.get(), "a command given as cl_event", "", nullptr);
  shared.give();
  return event;
}

Event::~Event() {
  if (!native_ || !process_running()) return;
  // Commands that wait for it would wait for ever. Where failing them could end the process they run instead.
  if (user_ && !completed_by_user_.exchange(true)) {
    const bool must_succeed = quirks_of(*context_->devices().front()).aborts_on_failed_user_event;
    complete_user_event(native_, must_succeed ? CL_COMPLETE : CL_EXEC_STATUS_ERROR_FOR_EVENTS_IN_WAIT_LIST);
  }
  clReleaseEvent(native_);
}

cl_int Event::execution_status() const {
  cl_int status = CL_QUEUED;
  cl_check(clGetEventInfo(native_, CL_EVENT_COMMAND_EXECUTION_STATUS, sizeof status, &status, nullptr),
           "clGetEventInfo", "reading the state of an event");
  return status;
}

void Event::throw_if_failed(cl_int status) const {
  if (status < 0) fail_execution(status, "clGetEventInfo", command_text(what_, name_));
}

// What the pool asks next, whether memory is free again, is then known without a marker.
void Event::note_complete() const noexcept {
  if (timeline_ && covers_) timeline_->completed(covers_);
}

void Event::ensure_flushed() {
  if (flushed_.load(std::memory_order_relaxed)) return;
  if (timeline_) cl_check(clFlush(timeline_->queue()), "clFlush", "flushing the queue of an event");
  flushed_.store(true, std::memory_order_relaxed);
}

void Event::wait() {
  ensure_flushed();
  const cl_int code = clWaitForEvents(1, &native_);
  if (profiling() && timeline_) collect_profile(timeline_->track());
  // NVIDIA's driver reports success for a user event that failed; its status tells.
  if (code == CL_SUCCESS) {
    throw_if_failed(user_ ? execution_status() : CL_COMPLETE);
    note_complete();
    return check_memory(*context_, timeline_.get());
  }
  const cl_int status = execution_status();
  if (status < 0) fail_execution(status, "clWaitForEvents", command_text(what_, name_));
  fail_execution(code, "clWaitForEvents", command_text(what_, name_));
}

void Event::wait_for(std::uint64_t timeout_ns) {
  ensure_flushed();
  // Saturates: 2^64 ns from now is past what the clock can hold.
  const auto limit =
      std::chrono::nanoseconds(static_cast<std::int64_t>(std::min<std::uint64_t>(timeout_ns, INT64_MAX / 4)));
  const auto start = std::chrono::steady_clock::now();
  Backoff backoff;
  for (;;) {
    const cl_int status = execution_status();
    throw_if_failed(status);
    if (status == CL_COMPLETE) {
      note_complete();
      return check_memory(*context_, timeline_.get());
    }
    if (std::chrono::steady_clock::now() - start >= limit)
      fail(Status::timeout, command_text(what_, name_), " is not complete after ", timeout_ns, " ns");
    backoff.pause();
  }
}

EventState Event::state() const {
  const cl_int status = execution_status();
  if (status < 0) return EventState::failed;
  switch (status) {
    case CL_COMPLETE:
      note_complete();
      return EventState::complete;
    case CL_RUNNING:
      return EventState::running;
    case CL_SUBMITTED:
      return EventState::submitted;
    default:
      return EventState::queued;
  }
}

EventTimes Event::times() const {
  if (state() != EventState::complete)
    fail(Status::invalid_state, command_text(what_, name_), " is not complete: it has no times yet");
  const auto read = [this](cl_profiling_info key) {
    cl_ulong value = 0;
    const cl_int code = clGetEventProfilingInfo(native_, key, sizeof value, &value, nullptr);
    if (code == CL_PROFILING_INFO_NOT_AVAILABLE)
      throw Error(Status::invalid_state,
                  command_text(what_, name_) +
                      " has no times: its queue was made without GPUC_QUEUE_PROFILING, or it is a user event",
                  {}, code, "clGetEventProfilingInfo");
    cl_check(code, "clGetEventProfilingInfo", "reading the times of an event");
    return value;
  };
  return {read(CL_PROFILING_COMMAND_QUEUED), read(CL_PROFILING_COMMAND_SUBMIT), read(CL_PROFILING_COMMAND_START),
          read(CL_PROFILING_COMMAND_END)};
}

int Event::create_fd() {
  ensure_flushed();
  const int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (fd < 0) fail(Status::file, "no file descriptor for an event: ", std::strerror(errno));
  // The watcher has a duplicate, so that the caller may close its own at any time.
  const int duplicate = fcntl(fd, F_DUPFD_CLOEXEC, 0);
  if (duplicate < 0) {
    const int error = errno;
    close(fd);
    fail(Status::file, "no file descriptor for an event: ", std::strerror(error));
  }
  try {
    watch(share(*this), duplicate);
  } catch (...) {
    close(fd);
    close(duplicate);
    throw;
  }
  return fd;
}

void Event::complete(cl_int code) {
  if (!user_) fail(Status::invalid_state, command_text(what_, name_), " is not a user event: the device completes it");
  if (code > 0) fail(Status::invalid_argument, "cl_code is ", code, ", must be 0 or negative");
  if (completed_by_user_.exchange(true)) fail(Status::invalid_state, "the user event was completed before");
  const cl_int answer = clSetUserEventStatus(native_, code);
  if (answer != CL_SUCCESS) completed_by_user_.store(false);  // what waits for it still does
  cl_check(answer, "clSetUserEventStatus", "completing a user event");
}

}  // namespace gpucompute
