// Queues: where commands are put. Asynchronous; in order unless asked otherwise.
#pragma once

#include <gpucompute/context.hpp>
#include <gpucompute/types.hpp>

#include <memory>

namespace gpucompute {

class Event;
class Timeline;

class Queue final : public Object {
 public:
  static constexpr std::uint32_t out_of_order = 1, profiling = 2;

  // A null device is the context's first. Throws Error(invalid_argument, context_mismatch, unsupported).
  static std::shared_ptr<Queue> create(Context &context, const Device *device, std::uint32_t flags);
  // Retains the cl_command_queue.
  static std::shared_ptr<Queue> wrap(Context &context, cl_command_queue native);
  ~Queue() override;

  cl_command_queue native() const noexcept;
  Context &context() const noexcept { return *context_; }
  Device &device() const noexcept { return *device_; }
  std::uint32_t flags() const noexcept { return flags_; }
  bool in_order() const noexcept { return !(flags_ & out_of_order); }

  void flush();
  void finish();
  void marker(Waits waits, std::shared_ptr<Event> *out_event);
  void barrier(Waits waits, std::shared_ptr<Event> *out_event);

  // For the other rooms: the record of what was put on the queue and what is known to be complete.
  const std::shared_ptr<Timeline> &timeline() const noexcept { return timeline_; }

 private:
  Queue(std::shared_ptr<Context> context, std::shared_ptr<Device> device, cl_command_queue adopted,
        std::uint32_t flags);

  std::shared_ptr<Context> context_;
  std::shared_ptr<Device> device_;
  std::uint32_t flags_;
  std::shared_ptr<Timeline> timeline_;
};

}  // namespace gpucompute
