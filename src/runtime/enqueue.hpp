// The frame of every command: event or none, error text, and the count on the queue's timeline.
#pragma once

#include <gpucompute/event.hpp>
#include <gpucompute/queue.hpp>

#include <cstring>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "profile/recorder.hpp"
#include "runtime/memory_guard.hpp"
#include "runtime/timeline.hpp"
#include "support/cl_check.hpp"

namespace gpucompute {

// After a call that the driver refused: gives cached memory back where it was refused for want of memory. True: the
// call may succeed now, and is to be made once more.
bool make_room(Queue &queue, cl_int code) noexcept;
[[noreturn]] void fail_enqueue(Queue &queue, cl_int code, const char *routine, const char *what,
                               const std::string &name);

// Calls put(event) once, or twice where memory had to be given back first.
template <class Put>
cl_int put_with_room(Queue &queue, cl_event *event, Put &&put) {
  const cl_int code = put(event);
  return __builtin_expect(code != CL_SUCCESS, 0) && make_room(queue, code) ? put(event) : code;
}

// The event of a command that is about to be put on the queue.
class NewEvent {
 public:
  NewEvent(Queue &queue, const char *what, const std::string &name)
      : queue_(queue),
        before_(queue.timeline()->last()),
        event_(std::make_shared<Event>(share(queue.context()), nullptr, what, name, queue.timeline())) {}

  cl_event *receive() noexcept { return event_->receive(); }
  // `sequence`: the command's own.
  std::shared_ptr<Event> take(std::uint64_t sequence) noexcept {
    // In order, what was there before the call is before the command. So is the command itself, unless another thread's
    // came in between: that one may be behind it.
    if (queue_.in_order()) event_->covers(sequence == before_ + 1 ? sequence : before_);
    return std::move(event_);
  }

 private:
  Queue &queue_;
  std::uint64_t before_;
  std::shared_ptr<Event> event_;
};

// The same while a profile or a trace records: asks for an event where times can be had.
template <class Put>
void enqueue_recorded(Queue &queue, const char *routine, const char *what, const std::string &name, Waits waits,
                      std::shared_ptr<Event> *out_event, Put &&put, const Work &work) {
  std::optional<NewEvent> wanted;
  if (out_event) wanted.emplace(queue, what, name);
  ClEvent own;
  CommandProbe probe(queue.track(), routine, what, name, work);
  cl_event *slot = wanted ? wanted->receive() : probe.wants_event() ? own.receive() : nullptr;
  const cl_int code = put_with_room(
      queue, slot, [&](cl_event *event) { return put(waits.count, waits.count ? waits.events : nullptr, event); });
  probe.done(code, slot ? *slot : nullptr);
  if (code != CL_SUCCESS) fail_enqueue(queue, code, routine, what, name);
  const std::uint64_t sequence = queue.timeline()->submitted();
  if (wanted) *out_event = wanted->take(sequence);
}

// put(count, events, out) is a clEnqueue* call with everything else bound. `what` and `name` are the command in
// messages: a kernel 'axpy'. `work` is what profiles tell of it.
template <class Put>
void enqueue(Queue &queue, const char *routine, const char *what, const std::string &name, Waits waits,
             std::shared_ptr<Event> *out_event, Put &&put, const Work &work = {}) {
  if (guarding_memory() && std::strcmp(routine, "clEnqueueNDRangeKernel") == 0) note_launch(queue, what, name);
  if (profiling()) return enqueue_recorded(queue, routine, what, name, waits, out_event, put, work);
  const auto bound = [&](cl_event *event) { return put(waits.count, waits.count ? waits.events : nullptr, event); };
  if (!out_event) {
    const cl_int code = put_with_room(queue, nullptr, bound);
    if (code != CL_SUCCESS) fail_enqueue(queue, code, routine, what, name);
    queue.timeline()->submitted();
    return;
  }
  NewEvent event(queue, what, name);
  const cl_int code = put_with_room(queue, event.receive(), bound);
  if (code != CL_SUCCESS) fail_enqueue(queue, code, routine, what, name);
  *out_event = event.take(queue.timeline()->submitted());
}

template <class Put>
void enqueue(Queue &queue, const char *routine, const char *what, Waits waits, std::shared_ptr<Event> *out_event,
             Put &&put, const Work &work = {}) {
  enqueue(queue, routine, what, std::string(), waits, out_event, std::forward<Put>(put), work);
}

// Commands of size 0: nothing is moved, but an event that was asked for still follows the waits.
inline void enqueue_nothing(Queue &queue, Waits waits, std::shared_ptr<Event> *out_event) {
  if (out_event || waits.count) queue.marker(waits, out_event);
}

}  // namespace gpucompute
