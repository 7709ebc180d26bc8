// The frame of every command: event or none, error text, and the count on the queue's timeline.
#pragma once

#include <gpucompute/event.hpp>
#include <gpucompute/queue.hpp>

#include <memory>
#include <string>

#include "runtime/timeline.hpp"
#include "support/cl_check.hpp"

namespace gpucompute {

// put(count, events, out) is a clEnqueue* call with everything else bound. Returns the command's number on the
// timeline.
template <class Put>
std::uint64_t enqueue(Queue &queue, const char *routine, const char *what, Waits waits,
                      std::shared_ptr<Event> *out_event, Put &&put) {
  if (!out_event) {
    cl_check(put(waits.count, waits.count ? waits.events : nullptr, nullptr), routine, what);
    return queue.timeline()->submitted();
  }
  ClEvent event;
  cl_check(put(waits.count, waits.count ? waits.events : nullptr, event.receive()), routine, what);
  const std::uint64_t sequence = queue.timeline()->submitted();
  *out_event = std::make_shared<Event>(share(queue.context()), event.get(), what, queue.timeline());
  event.give();
  return sequence;
}

// Commands of size 0: nothing is moved, but an event that was asked for still follows the waits.
inline void enqueue_nothing(Queue &queue, Waits waits, std::shared_ptr<Event> *out_event) {
  if (out_event || waits.count) queue.marker(waits, out_event);
}

}  // namespace gpucompute
