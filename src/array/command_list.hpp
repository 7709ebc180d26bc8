// Several commands that stand for one: each follows the one before, the first follows the waits, and the last gives the
// event.
#pragma once

#include <gpucompute/event.hpp>
#include <gpucompute/queue.hpp>

#include <functional>
#include <memory>
#include <utility>
#include <vector>

#include "runtime/enqueue.hpp"

namespace gpucompute {

class CommandList {
 public:
  using Command = std::function<void(Waits, std::shared_ptr<Event> *)>;

  void add(Command command) { commands_.push_back(std::move(command)); }

  void run(Queue &queue, Waits waits, std::shared_ptr<Event> *out) const {
    if (commands_.empty()) return enqueue_nothing(queue, waits, out);
    std::shared_ptr<Event> before;
    cl_event native = nullptr;
    for (std::size_t i = 0; i < commands_.size(); ++i) {
      const Waits these = i == 0 ? waits : native ? Waits{&native, 1} : Waits{};
      if (i + 1 == commands_.size()) {
        commands_[i](these, out);
      } else if (queue.in_order()) {
        commands_[i](these, nullptr);
      } else {
        std::shared_ptr<Event> after;
        commands_[i](these, &after);
        before = std::move(after);
        native = before->native();
      }
    }
  }

 private:
  std::vector<Command> commands_;
};

}  // namespace gpucompute
