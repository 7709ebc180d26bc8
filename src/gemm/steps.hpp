// A product that takes several commands, each of which needs the ones before: the first follows the waits, the last
// makes the event.
#pragma once

#include <gpucompute/queue.hpp>

namespace gpucompute {

class Steps {
 public:
  Steps(Queue &queue, Waits waits, OutEvent out, std::size_t count)
      : queue_(queue), waits_(waits), out_(out), left_(count) {}

  // put(waits, out) puts the next step on the queue.
  template <class Put>
  void next(Put &&put) {
    if (!first_ && !queue_.in_order()) queue_.barrier({}, nullptr);
    const Waits waits = first_ ? waits_ : Waits{};
    first_ = false;
    put(waits, --left_ == 0 ? out_ : nullptr);
  }

 private:
  Queue &queue_;
  Waits waits_;
  OutEvent out_;
  std::size_t left_;
  bool first_ = true;
};

}  // namespace gpucompute
