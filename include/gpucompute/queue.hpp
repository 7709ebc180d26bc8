// Queues: where commands are put. Asynchronous; in order unless asked otherwise.
#pragma once

#include <gpucompute/context.hpp>
#include <gpucompute/types.hpp>

#include <memory>
#include <mutex>
#include <utility>
#include <vector>

namespace gpucompute {

class Buffer;
class Event;
class QueueTrack;
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
  // The queue as profiles know it; null where there is no memory for that.
  QueueTrack *track() noexcept;
  // Memory for what lies between two commands, of at least so many bytes: given back when the last command that uses it
  // is on the queue, it may serve the next ones, which come later in order. On an out-of-order queue it is always new.
  std::shared_ptr<Buffer> take_workspace(std::size_t size);
  void give_workspace(std::shared_ptr<Buffer> workspace) noexcept;

 private:
  Queue(std::shared_ptr<Context> context, std::shared_ptr<Device> device, std::shared_ptr<Timeline> timeline,
        std::uint32_t flags, bool has_times);

  std::shared_ptr<Context> context_;
  std::shared_ptr<Device> device_;
  std::uint32_t flags_;
  bool has_times_;  // asked for by flags_, or by a profile that was running
  std::shared_ptr<Timeline> timeline_;
  std::mutex workspaces_mutex_;
  std::vector<std::shared_ptr<Buffer>> workspaces_;  // the one given back last is at the end
};

// Has a workspace as long as it lives.
class Workspace {
 public:
  Workspace() = default;
  Workspace(Queue &queue, std::size_t size) : queue_(&queue), buffer_(queue.take_workspace(size)) {}
  Workspace(Workspace &&other) noexcept : queue_(other.queue_), buffer_(std::move(other.buffer_)) {}
  Workspace &operator=(Workspace &&other) noexcept {
    std::swap(queue_, other.queue_);
    std::swap(buffer_, other.buffer_);
    return *this;
  }
  ~Workspace() {
    if (buffer_) queue_->give_workspace(std::move(buffer_));
  }
  explicit operator bool() const noexcept { return buffer_ != nullptr; }
  Buffer &operator*() const noexcept { return *buffer_; }
  Buffer *operator->() const noexcept { return buffer_.get(); }
  Buffer *get() const noexcept { return buffer_.get(); }

 private:
  Queue *queue_ = nullptr;
  std::shared_ptr<Buffer> buffer_;
};

}  // namespace gpucompute
