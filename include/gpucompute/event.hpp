// Events: the completion of one command.
#pragma once

#include <gpucompute/context.hpp>
#include <gpucompute/types.hpp>

#include <exception>
#include <memory>
#include <string>

namespace gpucompute {

class Timeline;

// "a write", "a kernel 'axpy'".
inline std::string command_text(const char *what, const std::string &name) {
  return name.empty() ? std::string(what) : what + (" '" + name + "'");
}

enum class EventState : int { queued = 0, submitted = 1, running = 2, complete = 3, failed = 4 };

struct EventTimes {
  std::uint64_t queued_ns, submitted_ns, started_ns, ended_ns;
};

class Event final : public Object {
 public:
  // Adopts one reference; null where the command is yet to come. `what` (a literal) and `name` are the command in
  // errors; the timeline is that of its queue, or null.
  Event(std::shared_ptr<Context> context, cl_event adopted, const char *what, std::string name,
        std::shared_ptr<Timeline> timeline);
  // For the call that puts the command on its queue. Objects are made before: a command that is on its queue while its
  // caller is told that memory ran out would use what the caller then frees.
  cl_event *receive() noexcept { return &native_; }
  // When the event is complete, the timeline is known to be complete up to there; 0: that is not known.
  void covers(std::uint64_t sequence) noexcept { covers_ = sequence; }
  static std::shared_ptr<Event> create_user(Context &context);
  static std::shared_ptr<Event> wrap(Context &context, cl_event native);  // retains
  ~Event() override;

  cl_event native() const noexcept { return native_; }
  Context &context() const noexcept { return *context_; }
  const Timeline *timeline() const noexcept { return timeline_.get(); }

  void wait();                              // throws Error(execution_failed)
  void wait_for(std::uint64_t timeout_ns);  // throws Error(timeout, execution_failed)
  EventState state() const;
  EventTimes times() const;    // throws Error(invalid_state)
  int create_fd();             // an eventfd of the caller's; throws Error(file)
  void complete(cl_int code);  // user events, once; throws Error(invalid_state, invalid_argument)
  // Commands of another queue wait for this one: hands it to the device, once.
  void ensure_flushed();

 private:
  cl_int execution_status() const;
  void throw_if_failed(cl_int status) const;
  void note_complete() const noexcept;

  std::shared_ptr<Context> context_;
  cl_event native_;
  const char *what_;
  std::string name_;
  std::shared_ptr<Timeline> timeline_;
  std::uint64_t covers_ = 0;
  bool user_ = false;
  std::atomic<bool> completed_by_user_{false};
  std::atomic<bool> flushed_{false};
};

// Waits for all of a range of pointers to events, also when one fails; then throws for the first that did.
template <class Iterator>
void wait_all(Iterator first, Iterator last) {
  std::exception_ptr failure;
  for (; first != last; ++first) {
    try {
      (*first)->wait();
    } catch (...) {
      if (!failure) failure = std::current_exception();
    }
  }
  if (failure) std::rethrow_exception(failure);
}

}  // namespace gpucompute
