// The recorder: sees every command and build while somebody wants to know of them, and nothing otherwise.
//
// A command that is put on a queue with times gets an event. Events are looked at by the calls that come later, from
// whatever thread, and at exit; there are no driver callbacks and no thread of its own. At most `most_pending` events
// of a queue are kept: past that the oldest goes without times.
#pragma once

#include <gpucompute/profile.hpp>

#include <string>
#include <utility>
#include <vector>

#include "profile/device_clock.hpp"

namespace gpucompute {

extern std::atomic<bool> profiling_is_on;

// On the path of every command: one load and a branch that is not taken.
inline bool profiling() noexcept { return __builtin_expect(profiling_is_on.load(std::memory_order_relaxed), 0); }

using ProfileSinks = std::vector<std::shared_ptr<ProfileSink>>;

void add_profile_sink(std::shared_ptr<ProfileSink> sink);
void remove_profile_sink(ProfileSink *sink) noexcept;

// What a command does, for those that watch. The sizes are the caller's and live as long as the call.
struct Work {
  std::uint64_t bytes = 0;
  std::uint32_t dims = 0;
  const std::size_t *global = nullptr, *local = nullptr;  // local: null where the driver chooses
  bool blocking = false;                                  // over when the call is
};

// What the recorder must be told of a queue.
struct QueueFacts {
  cl_command_queue native;
  cl_device_id device;
  std::string device_name;
  std::uint64_t opencl_version;  // the device's, major * 100 + minor * 10
  bool in_order, has_times;
};

class QueueTrack;

// The queue's track; lives until the queue has gone and its last command is collected.
QueueTrack *make_queue_track(const QueueFacts &facts);
void close_queue_track(QueueTrack *track) noexcept;

// Takes in the times of the commands that are complete. Does not wait.
void collect_profile(QueueTrack *track) noexcept;
void collect_all_profiles() noexcept;

// Hands all queues to their devices and collects until nothing of the sink's is outstanding, or the time is over.
void await_profile(const ProfileSink &sink, std::uint64_t timeout_ns) noexcept;

// Lets go of the commands that no sink waits for any longer.
void forget_profiles() noexcept;

// Around the call that puts one command on a queue.
class CommandProbe {
 public:
  // `routine` is the function of OpenCL or CLBlast, from which the operation follows; `what` and `name` are the command
  // in messages.
  CommandProbe(QueueTrack *track, const char *routine, const char *what, const std::string &name,
               const Work &work) noexcept;
  ~CommandProbe();
  CommandProbe(const CommandProbe &) = delete;
  CommandProbe &operator=(const CommandProbe &) = delete;

  // Whether an event is of use: the queue has times.
  bool wants_event() const noexcept { return wants_event_; }
  // After the call. The event stays the caller's; null where there is none.
  void done(cl_int code, cl_event event) noexcept;

 private:
  QueueTrack *track_;
  bool wants_event_ = false, blocking_ = false;
  cl_event before_ = nullptr;  // a marker: its end is the beginning of what has several parts
  std::shared_ptr<const ProfileSinks> sinks_;
  ProfileRecord record_;
};

// A command that another thread carries out: made by the one that asks for it, ended by the one that knows.
class StagedProbe {
 public:
  StagedProbe(QueueTrack *track, bool write, std::uint64_t bytes) noexcept;
  ~StagedProbe();
  StagedProbe(const StagedProbe &) = delete;
  StagedProbe &operator=(const StagedProbe &) = delete;

  void called() noexcept { record_.call_end_ns = host_now_ns(); }  // the call is over; before another thread begins
  void begins() noexcept { record_.begin_ns = host_now_ns(); }     // bytes begin to move
  void ends(cl_int code) noexcept;                                 // once

 private:
  std::shared_ptr<const ProfileSinks> sinks_;
  ProfileRecord record_;
};

// A span of the calling thread around commands that belong together (a matrix product): they are recorded under its
// operation and name.
class ProfileScope {
 public:
  template <class MakeName>
  ProfileScope(Operation operation, MakeName &&name) {
    if (profiling()) begin(operation, std::forward<MakeName>(name)());
  }
  ~ProfileScope() {
    if (active_) end();
  }
  ProfileScope(const ProfileScope &) = delete;
  ProfileScope &operator=(const ProfileScope &) = delete;

 private:
  friend class CommandProbe;
  void begin(Operation operation, std::string name) noexcept;
  void end() noexcept;

  bool active_ = false;
  std::shared_ptr<const ProfileSinks> sinks_;
  ProfileRecord record_;
  ProfileScope *outer_ = nullptr;
};

// A build that is over, well or not.
void record_build(const std::string &name, const std::string &device, std::uint64_t begin_ns, std::uint64_t end_ns,
                  std::uint64_t source_bytes, cl_int code) noexcept;

}  // namespace gpucompute
