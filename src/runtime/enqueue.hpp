// The frame of every command: event or none, error text, and the count on the queue's timeline.
#pragma once

#include <gpucompute/event.hpp>
#include <gpucompute/queue.hpp>

#include <memory>
#include <string>
#include <utility>

#include "runtime/timeline.hpp"
#include "support/cl_check.hpp"

namespace gpucompute {

// put(count, events, out) is a clEnqueue* call with everything else bound. `what` and `name` are the command in
// messages: a kernel 'axpy'.
template <class Put>
void enqueue(Queue &queue, const char *routine, const char *what, const std::string &name, Waits waits,
             std::shared_ptr<Event> *out_event, Put &&put) {
  const cl_event *events = waits.count ? waits.events : nullptr;
  if (!out_event) {
    const cl_int code = put(waits.count, events, nullptr);
    if (code != CL_SUCCESS) fail_cl(code, routine, "putting " + command_text(what, name) + " on a queue");
    queue.timeline()->submitted();
    return;
  }
  ClEvent event;
  const cl_int code = put(waits.count, events, event.receive());
  if (code != CL_SUCCESS) fail_cl(code, routine, "putting " + command_text(what, name) + " on a queue");
  queue.timeline()->submitted();
  *out_event = std::make_shared<Event>(share(queue.context()), event.get(), what, name, queue.timeline());
  event.give();
}

template <class Put>
void enqueue(Queue &queue, const char *routine, const char *what, Waits waits, std::shared_ptr<Event> *out_event,
             Put &&put) {
  enqueue(queue, routine, what, std::string(), waits, out_event, std::forward<Put>(put));
}

// Commands of size 0: nothing is moved, but an event that was asked for still follows the waits.
inline void enqueue_nothing(Queue &queue, Waits waits, std::shared_ptr<Event> *out_event) {
  if (out_event || waits.count) queue.marker(waits, out_event);
}

}  // namespace gpucompute
